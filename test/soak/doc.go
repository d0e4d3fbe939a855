// Package soak lets usher-extender run for a while under more changes than a
// cluster of 5,000 nodes has: nothing grows, and no change is missed.
package soak

// Package soak shows that usher's processes do not grow: webhooks and controllers are
// asked for half of what they can for as long as one wants, and their memory and
// goroutines watched.
package soak

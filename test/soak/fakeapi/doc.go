// Package fakeapi is a fake API server that lists and watches objects held in
// memory, faster than a real one could change them: for tests of how much a
// client takes. It checks nothing and stores what it is given.
package fakeapi

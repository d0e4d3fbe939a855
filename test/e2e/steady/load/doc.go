// Package load asks a real API server for what users of several tenants ask for, at
// a steady rate, and holds every answer against the right one.
package load

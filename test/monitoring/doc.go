// Package monitoring tests manifests/monitoring with Prometheus' own promtool and
// parser: every alert fires and is quiet when it should, and no query asks for a
// metric that usher does not export.
package monitoring

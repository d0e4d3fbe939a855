// Package nvml asks the NVIDIA driver through NVML, or a mock of it. It alone
// imports go-nvml, and needs cgo.
package nvml

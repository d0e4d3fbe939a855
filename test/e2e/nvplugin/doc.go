// Package nvplugin answers GetPreferredAllocation as NVIDIA's device plugin
// does, for a node that a GPUNode describes: whole GPUs by go-gpuallocator's
// best-effort policy over what the plugin reads from NVML, shares and MIG
// devices by spreading them over the devices that are used least.
//
// The plugin keeps the order in which the kubelet names the available devices,
// and the kubelet's order is random. So where several picks are equally good,
// which of them is handed out is random on a real node, too.
package nvplugin

// Package agent reports what a node's GPUs are, how they are linked, who holds
// them and whether they are well, as the node's GPUNode.
//
// A round runs the ordered list of probes: each gathers facts and then computes
// what they say in the report. What could not be read keeps its last value, and
// the conditions of the report say so. A publisher brings the newest report to
// the API server.
package agent

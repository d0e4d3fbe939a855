// Package storm proves on a whole real cluster that no burst gets a tenant more
// GPU than it owns: three webhooks, two controllers, and clients that create and
// delete at random while processes are killed. Every version of every ledger is
// held against the pods and claims of the same etcd revision.
package storm

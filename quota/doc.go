// Package quota counts GPUs in units and keeps the ledgers of who holds them.
package quota

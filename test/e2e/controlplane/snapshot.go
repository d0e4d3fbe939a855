package controlplane

import (
	"context"
	"fmt"
	"os"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"
)

// etcdName is that of the only member.
const etcdName = "default"

// Etcd is where etcd serves its clients.
func (c *ControlPlane) Etcd() string { return "http://" + c.etcdPort.Address() }

func (c *ControlPlane) peerURL() string { return "http://" + c.peerPort.Address() }

func (c *ControlPlane) dataFolder() string { return c.path("etcd") }

// Snapshot saves all of etcd's data, as of one revision, to a file.
func (c *ControlPlane) Snapshot(ctx context.Context, path string) error {
	_, err := snapshot.NewV3(zap.NewNop()).Save(ctx, clientv3.Config{Endpoints: []string{c.Etcd()}}, path)
	if err != nil {
		return fmt.Errorf("save a snapshot of etcd: %w", err)
	}
	return nil
}

// Restore puts a snapshot in place of etcd's data, as an operator does after a
// loss: revisions are given a second time from where the snapshot was taken.
// Nothing may run meanwhile; Start starts on the data of the snapshot.
func (c *ControlPlane) Restore(path string) error {
	if err := os.RemoveAll(c.dataFolder()); err != nil {
		return err
	}
	err := snapshot.NewV3(zap.NewNop()).Restore(snapshot.RestoreConfig{
		SnapshotPath:   path,
		Name:           etcdName,
		OutputDataDir:  c.dataFolder(),
		PeerURLs:       []string{c.peerURL()},
		InitialCluster: etcdName + "=" + c.peerURL(),
		// As etcd itself has it by default.
		InitialClusterToken: "etcd-cluster",
	})
	if err != nil {
		return fmt.Errorf("restore a snapshot of etcd: %w", err)
	}
	return nil
}

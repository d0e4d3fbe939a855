package installation

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// RollWebhooks replaces every webhook as a Deployment does whose maxSurge is 1 and
// maxUnavailable 0: the next one comes when the last is ready, and one of the old
// ends meanwhile. The load balancer hears of each end as much later as lag.
func (i *Installation) RollWebhooks(ctx context.Context, lag time.Duration) error {
	group, ending := errgroup.WithContext(ctx)
	for _, old := range slices.Clone(i.Webhooks) {
		fresh, err := i.newWebhook(ctx, i.version)
		if err != nil {
			return err
		}
		i.Webhooks = append(i.Webhooks, fresh)
		if err := fresh.WaitReady(ctx); err != nil {
			return err
		}
		i.Webhooks = slices.DeleteFunc(i.Webhooks, func(u *Unit) bool { return u == old })
		group.Go(func() error { return old.Terminate(ending, lag) })
	}
	return group.Wait()
}

// ReplacePolicies puts files in place of those in the --policy-dir of every webhook.
func (i *Installation) ReplacePolicies(files map[string][]byte) error {
	i.options.Policies = files
	for _, unit := range i.Webhooks {
		if err := unit.replica.(*webhookReplica).policies.Replace(files); err != nil {
			return err
		}
	}
	return nil
}

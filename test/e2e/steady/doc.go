// Package steady proves that no request is lost, and none admitted unjudged, while
// everything of usher is replaced under a load of requests: webhooks, certificates,
// the authority behind them, the leading controller, policies, and the API servers.
package steady

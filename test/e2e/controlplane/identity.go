package controlplane

import (
	"context"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// As is the connection of a user whom a client certificate names.
func (c *ControlPlane) As(user string, groups ...string) (*rest.Config, error) {
	pair, err := c.authority.Client(user, groups...)
	if err != nil {
		return nil, err
	}
	config := c.Anonymous()
	config.CertData, config.KeyData = pair.Certificate, pair.Key
	return config, nil
}

// AsServiceAccount is the connection of a service account that is there already,
// by a token that is bound to an object, such as the pod that a kubelet would
// project it into, or to none.
func (c *ControlPlane) AsServiceAccount(ctx context.Context, namespace, name string, bound *authenticationv1.BoundObjectReference) (*rest.Config, error) {
	client, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		return nil, err
	}
	token, err := client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{BoundObjectRef: bound}}, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	config := c.Anonymous()
	config.BearerToken = token.Status.Token
	return config, nil
}

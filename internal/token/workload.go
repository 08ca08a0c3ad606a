package token

import "github.com/go-jose/go-jose/v4"

// WorkloadClaims are what a workload's own token says, in the form of a Kubernetes service account's:
// who runs, and to whom that may be told. It opens nothing: it is exchanged for an access token.
type WorkloadClaims struct {
	Audience  []string       `json:"aud"`
	Expires   int64          `json:"exp"`
	IssuedAt  int64          `json:"iat"`
	Issuer    string         `json:"iss"`
	ID        string         `json:"jti"`
	Place     WorkloadsPlace `json:"kubernetes.io"`
	NotBefore int64          `json:"nbf"`
	Subject   string         `json:"sub"`
}

// WorkloadsPlace says where a workload runs, in Kubernetes' words.
type WorkloadsPlace struct {
	Namespace string `json:"namespace"`
	Pod       Named  `json:"pod"`
	Account   Named  `json:"serviceaccount"`
}

// Named is somebody by name.
type Named struct {
	Name string `json:"name"`
}

// SignWorkload is Sign for the tokens of workloads, whose header has no type, as Kubernetes has it.
func SignWorkload(k Key, c WorkloadClaims) (string, error) {
	return sign(k, c, &jose.SignerOptions{})
}

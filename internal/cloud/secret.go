package cloud

import "time"

// Secret is one named secret of a vault: which version is current, and whether it is deleted.
type Secret struct {
	Vault   ID     `json:"vault"`
	Name    string `json:"name"` // as first written
	Current string `json:"current"`
	// Deleted is when it was soft-deleted; zero while it is in use.
	Deleted time.Time `json:"deleted,omitzero"`
	// Purge is when a deleted secret goes for good.
	Purge time.Time `json:"purge,omitzero"`
}

// SecretVersion is one version of a secret. Its value is sealed under the version's own key, so
// that it opens nowhere else.
type SecretVersion struct {
	Version     string            `json:"version"` // 32 hex digits
	Value       []byte            `json:"value"`   // sealed
	ContentType string            `json:"contentType,omitempty"`
	Disabled    bool              `json:"disabled,omitempty"`
	NotBefore   int64             `json:"nbf,omitempty"` // seconds since 1970; 0 is none
	Expires     int64             `json:"exp,omitempty"` // seconds since 1970; 0 is none
	Created     time.Time         `json:"created"`
	Updated     time.Time         `json:"updated"`
	Tags        map[string]string `json:"tags,omitempty"`
}

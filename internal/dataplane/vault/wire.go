package vault

import (
	"time"

	"lanyard/internal/cloud"
)

// bundle is a secret on the wire, whole, deleted or as an item of a list (specs: SecretBundle,
// DeletedSecretBundle, SecretItem, DeletedSecretItem).
type bundle struct {
	Value              *string           `json:"value,omitempty"`
	ContentType        string            `json:"contentType,omitempty"`
	ID                 string            `json:"id"`
	Attributes         attributes        `json:"attributes"`
	Tags               map[string]string `json:"tags,omitempty"`
	RecoveryID         string            `json:"recoveryId,omitempty"`
	DeletedDate        int64             `json:"deletedDate,omitempty"`
	ScheduledPurgeDate int64             `json:"scheduledPurgeDate,omitempty"`
}

// attributes are a secret's attributes; times are seconds since 1970 (specs: SecretAttributes).
type attributes struct {
	Enabled         bool   `json:"enabled"`
	NBF             int64  `json:"nbf,omitempty"`
	Exp             int64  `json:"exp,omitempty"`
	Created         int64  `json:"created"`
	Updated         int64  `json:"updated"`
	RecoveryLevel   string `json:"recoveryLevel"`
	RecoverableDays int    `json:"recoverableDays"`
}

// result is one page of a list.
type result struct {
	Value    []bundle `json:"value"`
	NextLink string   `json:"nextLink,omitempty"`
}

// show gives one version of a secret without its value, and what a deleted one has besides.
func (d *Door) show(v Vault, head cloud.Secret, version cloud.SecretVersion) bundle {
	b := bundle{
		ContentType: version.ContentType,
		ID:          d.base(v) + "/secrets/" + head.Name + "/" + version.Version,
		Attributes: attributes{
			Enabled: !version.Disabled, NBF: version.NotBefore, Exp: version.Expires,
			Created: version.Created.Unix(), Updated: version.Updated.Unix(),
			RecoveryLevel: v.recoveryLevel(), RecoverableDays: v.retention(),
		},
		Tags: version.Tags,
	}
	if !head.Deleted.IsZero() {
		b.RecoveryID = d.base(v) + "/deletedsecrets/" + head.Name
		b.DeletedDate, b.ScheduledPurgeDate = head.Deleted.Unix(), head.Purge.Unix()
	}
	return b
}

func (v Vault) retention() int {
	if v.RetentionDays == 0 {
		return 90
	}
	return v.RetentionDays
}

func (v Vault) purgeAfter(deleted time.Time) time.Time { return deleted.AddDate(0, 0, v.retention()) }

// recoveryLevel names what can become of a deleted secret (specs: DeletionRecoveryLevel).
func (v Vault) recoveryLevel() string {
	level := "Recoverable"
	if v.retention() < 90 {
		level = "CustomizedRecoverable"
	}
	if !v.PurgeProtected {
		level += "+Purgeable"
	}
	return level
}

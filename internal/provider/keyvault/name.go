package keyvault

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/provider"
)

// availability says whether a vault can be given a name (specs: CheckNameAvailabilityResult).
type availability struct {
	Available bool   `json:"nameAvailable"`
	Reason    string `json:"reason,omitempty"` // AccountNameInvalid or AlreadyExists
	Message   string `json:"message,omitempty"`
}

// checkName answers whether a name is free. Deleted vaults hold theirs until they are purged.
func (d Deps) checkName(ctx context.Context, _ arm.Visit, w http.ResponseWriter, r *http.Request) error {
	asked, err := provider.ReadNameCheck(r)
	if err != nil {
		return err
	}
	if !strings.EqualFold(asked.Type, Vaults) {
		return badRequest("The 'type' must be '%s'.", Vaults)
	}
	said := availability{Available: true}
	if invalid := vaultName(asked.Name); invalid != nil {
		said = availability{Reason: "AccountNameInvalid", Message: fault.Of(invalid).Public}
		return httpkit.WriteJSON(w, http.StatusOK, said)
	}
	host := d.Profile.VaultHost(asked.Name)
	held, err := d.Store.Get(ctx, cloud.NameKey(host))
	if err != nil {
		return fmt.Errorf("read holder of %s: %w", host, err)
	}
	if held.Revision != 0 {
		g, err := find(ctx, d.Store, host)
		if err != nil {
			return err
		}
		if g == nil || !d.lapsed(g) {
			said = availability{Reason: "AlreadyExists", Message: alreadyExists(asked.Name).Public}
		}
	}
	return httpkit.WriteJSON(w, http.StatusOK, said)
}

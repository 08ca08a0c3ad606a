package arm

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// admit says who calls. A refusal always carries a challenge (wire-facts 5.3).
func (e *Engine) admit(r *http.Request) (cloud.Caller, error) {
	caller, err := e.Admit(r)
	if err == nil {
		return caller, nil
	}
	if !fault.Is(err, fault.Unauthenticated) {
		return cloud.Caller{}, err
	}
	f := *fault.Of(err)
	if f.Code == "" {
		f.Code = "AuthenticationFailed"
	}
	if f.Header["WWW-Authenticate"] == "" {
		said := strings.NewReplacer(`"`, "'", "\r", " ", "\n", " ").Replace(f.Public)
		f.Header = map[string]string{"WWW-Authenticate": fmt.Sprintf(
			`Bearer authorization_uri="https://%s/%s", error="invalid_token", error_description="%s"`,
			e.Profile.Authority, e.Tenant, said)}
	}
	return cloud.Caller{}, &f
}

// right names what an operation of a type needs: Microsoft.KeyVault/vaults/write.
func right(resourceType, operation string) string {
	if strings.EqualFold(resourceType, typeGroup) {
		resourceType = typeSubscription + "/resourceGroups"
	}
	return resourceType + "/" + operation
}

// permit refuses what the caller may not do, in Azure's words; the guard's hint stays.
func (e *Engine) permit(ctx context.Context, caller cloud.Caller, action string, at cloud.ID) error {
	err := e.Permit(ctx, caller, action, at)
	if err == nil || !fault.Is(err, fault.Forbidden) {
		return err
	}
	return refuse(err, "AuthorizationFailed", fmt.Sprintf(
		"The client '%s' with object id '%s' does not have authorization to perform action '%s' over scope '%s' or the scope is invalid. If access was recently granted, please refresh your credentials.",
		caller.Name(), caller.Principal, action, at))
}

// permitLinked holds the caller against the further rights that a change needs besides action.
func (e *Engine) permitLinked(ctx context.Context, c *Change, action string) error {
	for _, d := range c.Demands {
		err := e.Permit(ctx, c.Caller, d.Action, d.Scope)
		if err != nil && !fault.Is(err, fault.Forbidden) {
			return err
		}
		if err != nil {
			return refuse(err, "LinkedAuthorizationFailed", fmt.Sprintf(
				"The client '%s' with object id '%s' has permission to perform action '%s' on scope '%s'; however, it does not have permission to perform action '%s' on the linked scope(s) '%s' or the linked scope(s) are invalid.",
				c.Caller.Name(), c.Caller.Principal, action, c.ID, d.Action, d.Scope))
		}
	}
	return nil
}

func refuse(err error, code, sentence string) error {
	f := *fault.Of(err)
	f.Code, f.Public, f.Err = code, sentence, err
	return &f
}

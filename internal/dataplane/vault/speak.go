package vault

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"lanyard/guard"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

type errorBody struct {
	Error errorDetail `json:"error"`
}

type errorDetail struct {
	Code    string     `json:"code"`
	Message string     `json:"message"`
	Inner   innerError `json:"innererror,omitzero"`
}

type innerError struct {
	Code string `json:"code"`
}

// Speak spells a fault as Key Vault does (specs: keyvault/data-plane common.json, KeyVaultError).
// What to type next is a line of its own, after whatever Azure says.
func Speak(w http.ResponseWriter, _ *http.Request, f *fault.Error) {
	detail := errorDetail{Code: f.Code, Message: f.Public, Inner: innerError{Code: f.Inner}}
	if f.Hint != "" {
		detail.Message = strings.TrimRight(f.Public, "\r\n") + "\r\nTry: " + f.Hint
	}
	_ = httpkit.WriteJSON(w, f.Kind.Status(), errorBody{Error: detail}) // a client that has gone is no error of ours
}

// spell puts what the guard found into Key Vault's words; other errors stay as they are.
func (d *Door) spell(err error, v Vault) error {
	var rejection *guard.Rejection
	if errors.As(err, &rejection) {
		return fault.New(fault.Unauthenticated, "Unauthorized", "%s", unauthorized(rejection)).
			Because(rejection).With("WWW-Authenticate", d.challenge(rejection))
	}
	var refusal *guard.Refusal
	if errors.As(err, &refusal) {
		f := fault.New(fault.Forbidden, "Forbidden", "%s", d.forbidden(refusal, v)).Within("ForbiddenByRbac").Because(refusal)
		f.Hint = refusal.Cure()
		return f
	}
	return err
}

// challenge tells clients where to get a token and for what. The two parameters are the real
// service's, to the letter; error and claims are added only where a new token is wanted at once
// (wire-facts: "Key Vault", "Bodies and headers").
func (d *Door) challenge(r *guard.Rejection) string {
	if r.Claims == "" {
		r = &guard.Rejection{Reason: guard.NoToken}
	}
	return r.Challenge("authorization", "https://"+d.Profile.Authority+"/"+string(d.Tenant), "resource", resource(d.Profile))
}

// unauthorized gives the sentence of a 401 (wire-facts: "Key Vault").
func unauthorized(r *guard.Rejection) string {
	switch r.Reason {
	case guard.NoToken:
		return "AKV10000: Request is missing a Bearer or PoP token."
	case guard.WrongAudience:
		return fmt.Sprintf("AKV10022: Invalid audience. Expected %s, found: %.200s.", strings.Join(r.Expected, " or "), r.Found)
	case guard.WrongIssuer:
		return fmt.Sprintf("AKV10032: Invalid issuer. Expected one of %s, found %.200s.", strings.Join(r.Expected, ", "), r.Found)
	}
	return "Error validating token: " + string(r.Reason) + ": " + r.Detail + "."
}

// forbidden gives the sentence of a 403: Azure's lines, then what was near (wire-facts: "Key Vault").
func (d *Door) forbidden(r *guard.Refusal, v Vault) string {
	caller := fmt.Sprintf("appid=%s;oid=%s;iss=%s", r.Caller.Client, r.Caller.Principal, d.Profile.Issuer(d.Tenant))
	if r.Caller.Resource != "" {
		caller += ";xms_mirid=" + r.Caller.Resource
	}
	if r.Caller.Host != "" {
		caller += ";xms_az_rid=" + r.Caller.Host
	}
	denial, reason := "null", "DeniedWithNoValidRBAC"
	if len(r.Decision.Denied) > 0 {
		denial, reason = "'"+r.Decision.Denied[0].ID.Name()+"'", "DeniedByDenyAssignment"
	}
	lines := append([]string{
		"Caller is not authorized to perform action on resource.",
		"If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.",
		"Caller: " + caller,
		"Action: '" + r.Action + "'",
		"Resource: '" + r.Scope.Key() + "'",
		"Assignment: (not found)",
		"DenyAssignmentId: " + denial,
		"DecisionReason: '" + reason + "' ",
		"Vault: " + v.Name + ";location=" + v.Location,
	}, r.Evidence()...)
	return strings.Join(lines, "\r\n") + "\r\n"
}

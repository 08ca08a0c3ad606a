package entra

import (
	"strconv"
	"strings"

	"lanyard/internal/fault"
)

// spelling is how a refusal looks on the wire besides its text.
type spelling struct {
	kind   fault.Kind
	oauth  string // the error of RFC 6749 section 5.2, or Entra's own
	status int
}

// spellings gives the codes that this door uses (wire-facts: "Errors" of the STS; Entra's reference of
// error codes).
func spellings(code int) spelling {
	switch code {
	case 70003: // unsupported grant
		return spelling{fault.NotOffered, "unsupported_grant_type", 400}
	case 70011, 28000, 1002012: // malformed scope; one of several resources; one without /.default
		return spelling{fault.Invalid, "invalid_scope", 400}
	case 500011: // unknown resource
		return spelling{fault.NotFound, "invalid_resource", 400}
	case 700016: // unknown client
		return spelling{fault.Unauthenticated, "unauthorized_client", 400}
	case 7000215, 7000216, 7000218, 7000222, 700025, // wrong, unfit, missing, expired credential; one too many
		50027, 700021, 700023, 700024, 700027, // a bad assertion
		700211, 700212, 700213, 7002138, 7000272, 700236, 50013: // one that nobody trusts: issuer, audience, subject, its case, key, kind; or that came before
		return spelling{fault.Unauthenticated, "invalid_client", 401}
	case 70000, 70008, 700082, 50173, 54005, 50034, 700007, // a code or refresh token that is void, expired, spent, another's
		500112, 501481, // redeemed from elsewhere, by somebody else
		50053, 50055, 50126: // too many guesses, an expired password, a wrong one
		return spelling{fault.Unauthenticated, "invalid_grant", 400}
	case pending: // device: nobody has said yes yet
		return spelling{fault.Unauthenticated, "authorization_pending", 400}
	case 65004: // device: somebody said no
		return spelling{fault.Unauthenticated, "authorization_declined", 400}
	case 70018: // device: no such code
		return spelling{fault.Unauthenticated, "bad_verification_code", 400}
	case 70019: // device: too late
		return spelling{fault.Unauthenticated, "expired_token", 400}
	case 50049: // unknown authority
		return spelling{fault.Invalid, "invalid_instance", 400}
	case 90033: // transient
		return spelling{fault.Unavailable, "temporarily_unavailable", 503}
	default:
		// 50011 foreign redirect URI, 50059 no tenant named, 90002 unknown tenant, 900144 missing parameter, 900561 wrong verb,
		// 9002313 malformed, 501491 bad PKCE challenge, 50166 an issuer's keys cannot be had, 70023 its token lives too long.
		return spelling{fault.Invalid, "invalid_request", 400}
	}
}

const prefix = "AADSTS"

// pending is the code for an app whose person has not said yes yet.
const pending = 70016

// refuse makes a fault that Speak spells with its AADSTS code.
func refuse(code int, format string, args ...any) *fault.Error {
	return fault.New(spellings(code).kind, prefix+strconv.Itoa(code), format, args...)
}

// number gives the AADSTS code of a fault; those from elsewhere get the nearest one.
func number(f *fault.Error) int {
	if digits, ours := strings.CutPrefix(f.Code, prefix); ours {
		if n, err := strconv.Atoi(digits); err == nil {
			return n
		}
	}
	switch f.Kind {
	case fault.Internal:
		return 50000
	case fault.Unavailable, fault.TooMany:
		return 90033
	case fault.WrongMethod:
		return 900561
	default:
		return 9002313
	}
}

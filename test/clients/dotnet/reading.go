package dotnet

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// answer is what came back.
type answer struct {
	Status int
	Header http.Header
	Body   string
	Error  string
}

// token is what the library makes of a success.
type token struct {
	principal, app string
	lives          time.Duration
}

// read takes an answer as the library does: AbstractManagedIdentity.cs (GetSuccessfulResponse),
// ManagedIdentityResponse.cs, Utils/DateTimeHelpers.cs. Of expires_in and expires_on the one that stands
// last counts; a small number is a time from now.
func (a answer) read(now time.Time) (token, error) {
	if a.Status != http.StatusOK {
		return token{}, fmt.Errorf("status %d: %s", a.Status, a.Body)
	}
	var last, secret string
	d := json.NewDecoder(bytes.NewBufferString(a.Body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return token{}, fmt.Errorf("no object: %q", a.Body)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return token{}, err
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return token{}, err
		}
		switch name {
		case "expires_in", "expires_on":
			last = fmt.Sprint(value)
		case "access_token":
			secret = fmt.Sprint(value)
		}
	}
	seconds, err := strconv.ParseInt(last, 10, 64)
	if err != nil || secret == "" {
		return token{}, fmt.Errorf("the answer is insufficient: expires %q", last)
	}
	if seconds >= 978307200 { // the year 2001
		seconds -= now.Unix()
	}
	parts := strings.Split(secret, ".")
	if len(parts) != 3 {
		return token{}, errors.New("the token has no claims")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return token{}, err
	}
	var claims struct{ OID, AppID string }
	err = json.Unmarshal(text, &claims)
	return token{claims.OID, claims.AppID, time.Duration(seconds) * time.Second}, err
}

// message spells a refusal as the library's MsalServiceException does: AbstractManagedIdentity.cs
// (GetMessageFromErrorResponse), ManagedIdentityErrorResponse.cs.
func (a answer) message() string {
	var said struct {
		Message     string `json:"message"`
		Correlation string `json:"correlationId"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	text := "[Managed Identity] "
	if err := json.Unmarshal([]byte(a.Body), &said); err != nil {
		var nested struct {
			Error struct{ Code, Message string } `json:"error"`
		}
		if err := json.Unmarshal([]byte(a.Body), &nested); err != nil {
			return text + "unexpected: " + a.Body
		}
		return text + "Error Code: " + nested.Error.Code + " Error Message: " + nested.Error.Message
	}
	for _, part := range []struct{ title, value string }{
		{"Error Code: ", said.Error}, {"Error Message: ", said.Message}, {"Error Description: ", said.Description},
		{"Managed Identity Correlation ID: ", said.Correlation},
	} {
		if part.value != "" {
			text += part.title + part.value + " "
		}
	}
	return text
}

// keyFile gives the file that a challenge names, where the library would open it
// (AzureArcManagedIdentitySource.cs, ValidateSplitChallenge, IsValidPath).
func (a answer) keyFile() (string, error) {
	var parts []string
	for part := range strings.SplitSeq(a.Header.Get("WWW-Authenticate"), "=") {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if a.Status != http.StatusUnauthorized || len(parts) != 2 {
		return "", fmt.Errorf("no challenge: %d, %q", a.Status, a.Header.Get("WWW-Authenticate"))
	}
	base := path.Base(parts[1])
	if want := "/var/opt/azcmagent/tokens/" + strings.TrimSuffix(base, path.Ext(base)) + ".key"; parts[1] != want {
		return "", fmt.Errorf("the challenge names %q, not %q", parts[1], want)
	}
	return parts[1], nil
}

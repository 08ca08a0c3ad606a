package matrix

import (
	"fmt"
	"strings"
)

// A recovery is what becomes of a client that holds a token which is no longer taken.
type recovery struct {
	name    string
	program string
	library string
	raises  string // what it raises with the token it keeps; "" recovers at once
	why     string
}

// An ending is what ends a token before its time.
type ending struct {
	name    string
	command []string
	says    string // words of the refusal, as clients pass them on
	later   bool   // the clients' own clocks are moved too, to see what becomes of those that failed
}

var endings = []ending{
	{"`lanyard token revoke --identity`", []string{"token", "revoke", "--identity", worn}, "revoked", true},
	{"`lanyard clock advance 25h`", []string{"clock", "advance", "25h"}, "aged out", false},
}

const passesNoClaims = "its managed identity credential gives the token it keeps, whatever claims the vault asks for"

var recoveries = []recovery{
	{"Go azsecrets 1.5.1, azidentity 1.15.0", "go", "secret", "", ""},
	{"@azure/keyvault-secrets 4.12.0, @azure/identity 4.14.1", "node", "secret", "RestError", passesNoClaims},
	{"Python azure-keyvault-secrets 4.12.0, azure-identity 1.27.0", "python", "secret", "", ""},
	{"Python azure-keyvault-secrets 4.8.0, azure-identity 1.17.1", "python2024", "secret", "ClientAuthenticationError", "it does not read the challenge's claims"},
	{"Java azure-security-keyvault-secrets 4.11.1, azure-identity 1.19.0", "java", "secret", "com.azure.core.exception.ClientAuthenticationException", passesNoClaims},
	{"MSAL Go 1.10.1, given the claims", "go", "claims", "", ""},
	{"@azure/msal-node 7.2.1, given the claims", "node", "claims", "", ""},
	{"Python msal 1.39.0, given the claims", "python", "claims", "", ""},
	{"Python msal 1.31.1, given the claims", "python2024", "claims", "", ""},
	{"Java msal4j 1.26.0, given the claims", "java", "claims", "", ""},
}

// writeRecoveries spells the table of recoveries.
func writeRecoveries(b *strings.Builder) {
	b.WriteString("### A token that ends before its time\n\n| client |")
	for _, e := range endings {
		fmt.Fprintf(b, " %s |", e.name)
	}
	fmt.Fprintf(b, " 25 hours later, by its own clock |\n|---|%s---|\n", strings.Repeat("---|", len(endings)))
	for _, r := range recoveries {
		cell := "the next call succeeds"
		if r.raises != "" {
			cell = code(r.raises) + ": " + r.why
		}
		fmt.Fprintf(b, "| %s |%s succeeds |\n", r.name, strings.Repeat(" "+cell+" |", len(endings)))
	}
	b.WriteString("\n")
}

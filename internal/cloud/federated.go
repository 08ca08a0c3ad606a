package cloud

// FederatedCredential trusts the tokens of a foreign issuer for one subject and one audience to speak
// for an application or a user-assigned identity. All three are compared byte for byte.
type FederatedCredential struct {
	ID          string `json:"id"` // a GUID
	Name        string `json:"name"`
	Issuer      string `json:"issuer"`
	Subject     string `json:"subject"`
	Audience    string `json:"audience"`
	Description string `json:"description,omitempty"`
}

// TokenExchange is the audience of tokens that are shown for a token of somebody who trusts their issuer,
// and TokenExchangeApp is its app id, which v2.0 tokens say in its place (wire-facts: "Federated identity
// credential rules").
const (
	TokenExchange    = "api://AzureADTokenExchange"
	TokenExchangeApp = "fb60f99c-7a34-4190-8149-302f77469936"
)

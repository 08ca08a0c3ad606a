package az

import "testing"

const (
	fromGitHub = "https://token.actions.githubusercontent.com"
	audience   = "api://AzureADTokenExchange"
)

func TestFederatedCredentials(t *testing.T) {
	t.Parallel()
	az := signedIn(t)
	az.run(t, "group create -n shop -l local").done()
	az.run(t, "identity create -n deploy -g shop").done()
	of := func(command, rest string) string {
		return "identity federated-credential " + command + " --identity-name deploy -g shop " + rest
	}
	const main = "--name main --issuer " + fromGitHub + " --subject repo:shop/app:ref:refs/heads/main"
	row(t, "identity federated-credential create", func(t *testing.T) {
		az.run(t, of("create", main+" --audiences "+audience)).is("name", "main").is("issuer", fromGitHub).
			is("subject", "repo:shop/app:ref:refs/heads/main").is("audiences", []any{audience})
		az.run(t, of("create", "--name again --issuer "+fromGitHub+" --subject repo:shop/app:ref:refs/heads/main --audiences "+audience)).refused(1, "Issuer and subject combination already exists for this Managed Identity.")
		az.run(t, "identity federated-credential create --identity-name absent -g shop", "--name", "main", "--issuer", fromGitHub, "--subject", "x").refused(3, "ParentResourceNotFound", "userAssignedIdentities/absent")
	})
	row(t, "identity federated-credential show", func(t *testing.T) {
		az.run(t, of("show", "--name main")).is("issuer", fromGitHub)
		az.run(t, of("show", "--name absent")).refused(3, "ResourceNotFound", "federatedIdentityCredentials/absent")
	})
	row(t, "identity federated-credential update", func(t *testing.T) {
		az.run(t, of("update", "--name main --issuer "+fromGitHub+" --subject repo:shop/app:environment:production --audiences "+audience)).
			is("subject", "repo:shop/app:environment:production")
	})
	row(t, "identity federated-credential list", func(t *testing.T) {
		az.run(t, of("list", "")).lists("name", "main")
	})
	row(t, "identity federated-credential delete", func(t *testing.T) {
		az.run(t, of("delete", "--name main --yes")).nothing()
		az.run(t, of("list", "")).whole([]any{})
	})
}

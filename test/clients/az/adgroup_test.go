package az

import "testing"

func TestDirectoryGroups(t *testing.T) {
	t.Parallel()
	az := signedIn(t)
	az.run(t, "group create -n shop -l local").done()
	member := az.run(t, "identity create -n billing -g shop").text("principalId")
	var group string
	row(t, "ad group create", func(t *testing.T) {
		a := az.run(t, "ad group create --display-name readers --mail-nickname readers").is("displayName", "readers").is("securityEnabled", true)
		group = a.text("id")
		az.run(t, "ad group create --display-name readers --mail-nickname readers").is("id", group)
	})
	row(t, "ad group show", func(t *testing.T) {
		az.run(t, "ad group show -g readers").is("id", group)
		az.run(t, "ad group show -g", nobody).refused(3, "does not exist")
	})
	row(t, "ad group list", func(t *testing.T) {
		az.run(t, "ad group list --display-name readers").lists("id", group)
		az.run(t, "ad group list --display-name writers").whole([]any{})
	})
	row(t, "ad group member add", func(t *testing.T) {
		az.run(t, "ad group member add -g readers --member-id", member).nothing()
		az.run(t, "ad group member check -g readers --member-id", member).is("value", true)
		az.run(t, "ad group member list -g readers").lists("id", member)
	})
	row(t, "role assignment create to a group", func(t *testing.T) {
		az.run(t, "role assignment create --role Reader --assignee", group, "--scope", az.group("shop")).is("principalType", "Group")
		az.run(t, "role assignment list --all --include-groups --assignee", member).lists("principalId", group)
	})
	row(t, "ad group member remove", func(t *testing.T) {
		az.run(t, "ad group member remove -g readers --member-id", member).nothing()
		az.run(t, "ad group member list -g readers").whole([]any{})
		az.run(t, "ad group member remove -g readers --member-id", member).refused(1, "does not exist or one of its queried reference-property objects are not present")
	})
	row(t, "ad group delete", func(t *testing.T) {
		az.run(t, "ad group delete -g readers").nothing()
		az.run(t, "ad group list --display-name readers").whole([]any{})
	})
}

package sdk

import "testing"

// Step is one thing that a management program did, and what came of it: a word in which the SDKs
// of all languages agree, or status and code of the refusal.
type Step struct{ Step, Said string }

// Deeds is what the parts of a management program do as [Manager], in this order.
var Deeds = map[string][]Step{
	"identities": {
		{"create an identity", "made in local"},
		{"read the identity", "the same principal"},
		{"patch the identity", "team blue"},
		{"list the group's identities", "made stranger worn"},
		{"list the subscription's identities", "made stranger worn"},
		{"delete the identity", "done"},
		{"read the deleted identity", "404 ResourceNotFound"},
	},
	"groups": {
		{"create five groups", "done"},
		{"list groups by pages of two", "6 groups on 3 pages"},
		{"patch a group", "team blue"},
		{"see whether a group exists", "true"},
		{"delete the groups", "done"},
		{"see whether a deleted group exists", "false"},
		{"read a deleted group", "404 ResourceGroupNotFound"},
	},
	"locks": {
		{"create what is to be kept", "done"},
		{"lock it", "CanNotDelete"},
		{"list its locks", "keep"},
		{"delete what is locked", "409 ScopeLocked"},
		{"unlock it", "done"},
		{"delete what was locked", "done"},
	},
	"roles": {
		{"find a role by its name", "4633458b-17de-408a-b874-0445c86b69e6"},
		{"create who is to be granted it", "done"},
		{"grant it", "ServicePrincipal"},
		{"grant it twice", "409 RoleAssignmentExists"},
		{"grant it to nobody", "400 PrincipalNotFound"},
		{"read the grant", "the same principal"},
		{"list the principal's grants", "0f0f0f0f-0000-4000-8000-000000000001"},
		{"take the grant away", "done"},
		{"read the grant that is gone", "404 RoleAssignmentNotFound"},
		{"delete who was granted it", "done"},
		{"make a role", "CustomRole"},
		{"list the roles made", "Group Watcher"},
		{"delete the role", "done"},
		{"read the deleted role", "404 RoleDefinitionDoesNotExist"},
	},
	"secrets": {
		{"set thirty secrets", "done"},
		{"list secrets", "31 secrets on 2 pages"},
		{"set a secret again", "done"},
		{"list its versions", "2"},
		{"change its content type", "text/plain"},
		{"delete it", "done"},
		{"read the deleted secret", "404 SecretNotFound"},
		{"recover it", "w"},
	},
	"apps": {
		{"create an environment", "Succeeded"},
		{"create an app", "Succeeded"},
		{"read the app", "SystemAssigned"},
		{"patch the app", "team blue"},
		{"list the group's apps", "bare made manager reader refused"},
		{"delete the app", "done"},
		{"read the deleted app", "404 ResourceNotFound"},
		{"delete the environment", "done"},
	},
}

// Manages has a program do these parts of [Deeds] as [Manager].
func (s *Scene) Manages(program []string, parts ...string) {
	s.t.Helper()
	var want []Step
	for _, part := range parts {
		want = append(want, Deeds[part]...)
	}
	s.compare(Run[Step](s, Manager, program, parts...), want)
}

// MayNot has a program fail to make an identity as [Refused], which may nothing.
func (s *Scene) MayNot(program []string) {
	s.t.Helper()
	first := Run[Step](s, Refused, program, "identities")[:1]
	s.compare(first, []Step{{"create an identity", "403 AuthorizationFailed"}})
}

func (s *Scene) compare(got, want []Step) {
	s.t.Helper()
	for n, w := range want {
		s.t.Run(w.Step, func(t *testing.T) {
			switch {
			case n >= len(got):
				t.Error("the program ended before")
			case got[n] != w:
				t.Errorf("%s: %s; want %s: %s", got[n].Step, got[n].Said, w.Step, w.Said)
			}
		})
	}
	if len(got) > len(want) {
		s.t.Errorf("the program did besides: %v", got[len(want):])
	}
}

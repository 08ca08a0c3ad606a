package app_test

import (
	"fmt"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/provider/providertest"
)

func TestWhatAnAppCannotHaveIsRefusedByName(t *testing.T) {
	w := begin(t)
	template := func(more string) string {
		return strings.Replace(body("", ""), `"template":{`, `"template":{`+more+`,`, 1)
	}
	for field, sent := range map[string]string{
		"properties.configuration.ingress":                       body("", `,"configuration":{"ingress":{"targetPort":80}}`),
		"properties.configuration.secrets":                       body("", `,"configuration":{"secrets":[{"name":"a","value":"b"}]}`),
		"properties.configuration.registries":                    body("", `,"configuration":{"registries":[{"server":"x.azurecr.io"}]}`),
		"properties.configuration.dapr":                          body("", `,"configuration":{"dapr":{"enabled":true}}`),
		"properties.configuration.identitySettings.scope":        body("", `,"configuration":{"identitySettings":[{"identity":"system","scope":"x"}]}`),
		"properties.configuration.activeRevisionsMode: Multiple": body("", `,"configuration":{"activeRevisionsMode":"Multiple"}`),
		"properties.workloadProfileName: D4":                     body("", `,"workloadProfileName":"D4"`),
		"properties.colour":                                      body("", `,"colour":"blue"`),
		"properties.template.initContainers":                     template(`"initContainers":[{"name":"a","image":"b"}]`),
		"properties.template.volumes":                            template(`"volumes":[{"name":"a"}]`),
		"properties.template.scale.rules":                        template(`"scale":{"rules":[{"name":"a","http":{}}]}`),
		"properties.template.scale.minReplicas":                  template(`"scale":{"minReplicas":11,"maxReplicas":11}`),
		"properties.template.scale.cooldownPeriod":               template(`"scale":{"cooldownPeriod":5}`),
		"properties.template.containers[1]":                      strings.Replace(body("", ""), `"containers":[`, `"containers":[{"name":"b","image":"b"},`, 1),
		"properties.template.containers.probes":                  body(`,"probes":[{"type":"Liveness"}]`, ""),
		"properties.template.containers.volumeMounts":            body(`,"volumeMounts":[{"volumeName":"a"}]`, ""),
		"properties.template.containers[0].env.secretRef":        body(`,"env":[{"name":"A","secretRef":"s"}]`, ""),
		"properties.template.containers[0].command":              strings.Replace(body("", ""), `,"command":["/bin/shop"]`, "", 1),
		"extendedLocation":                                       strings.Replace(body("", ""), `{`, `{"extendedLocation":{"name":"x","type":"CustomLocation"},`, 1),
		"kind: functionapp":                                      strings.Replace(body("", ""), `{`, `{"kind":"functionapp",`, 1),
	} {
		if a := w.Want(501, "NotOffered", "PUT "+shop, sent); !strings.Contains(a.Text, "'"+field+"'") {
			t.Errorf("the refusal does not name %s: %s", field, a.Text)
		}
	}
}

func TestWhatIsWrongInAnApp(t *testing.T) {
	w := begin(t)
	for claim, c := range map[string]struct{ code, body string }{
		"no environment":           {"InvalidManagedEnvironmentId", strings.Replace(body("", ""), env, "", 1)},
		"another kind of resource": {"InvalidManagedEnvironmentId", strings.Replace(body("", ""), env, shop, 1)},
		"two environments":         {"InvalidManagedEnvironmentId", body("", `,"managedEnvironmentId":"`+env+`-b"`)},
		"one that is not there":    {"ManagedEnvironmentNotFound", strings.Replace(body("", ""), env, env+"-b", 1)},
		"no containers":            {"InvalidParameterValueInContainerTemplate", `{"location":"westeurope","properties":{"environmentId":"` + env + `"}}`},
		"no image":                 {"InvalidParameterValueInContainerTemplate", strings.Replace(body("", ""), "shop:1", "", 1)},
		"no container name":        {"InvalidParameterValueInContainerTemplate", strings.Replace(body("", ""), `"name":"main"`, `"name":"Main!"`, 1)},
		"a variable twice":         {"InvalidParameterValueInContainerTemplate", body(`,"env":[{"name":"A"},{"name":"A"}]`, "")},
		"a variable with a sign":   {"ContainerAppInvalidEnvVarName", body(`,"env":[{"name":"A=B"}]`, "")},
		"a NUL in a word":          {"InvalidParameterValueInContainerTemplate", body(`,"args":["a\u0000b"]`, "")},
		"a command that is a text": {"InvalidRequestContent", strings.Replace(body("", ""), `["/bin/shop"]`, `"/bin/shop"`, 1)},
		"CPU without memory":       {"ContainerAppInvalidResourceTotal", body(`,"resources":{"cpu":2}`, "")},
		"more least than most":     {"ContainerAppInvalidScaleSpec", strings.Replace(body("", ""), `"template":{`, `"template":{"scale":{"minReplicas":3,"maxReplicas":2},`, 1)},
		"a bad revision suffix":    {"InvalidParameterValueInContainerTemplate", strings.Replace(body("", ""), `"template":{`, `"template":{"revisionSuffix":"A--b",`, 1)},
		"a mode that is none":      {"ContainerAppInvalidActiveRevisionsMode", body("", `,"configuration":{"activeRevisionsMode":"Triple"}`)},
	} {
		t.Run(claim, func(t *testing.T) { w.Want(400, c.code, "PUT "+shop, c.body) })
	}
	for _, name := range []string{"Shop", "9shop", "shop-", "a--b", strings.Repeat("a", 33)} {
		w.Want(400, "ContainerAppInvalidName", "PUT "+strings.Replace(shop, "/shop", "/"+name, 1), body("", ""))
	}
	w.Want(201, "", "PUT "+shop, body(`,"resources":{"cpu":0.25,"memory":"0.5Gi"}`, `,"workloadProfileName":"Consumption"`))
}

func TestAnEnvironmentKeepsItsDomainAndProfiles(t *testing.T) {
	w := begin(t)
	domain := w.Want(200, "", "GET "+env, "").Property("properties.defaultDomain")
	if text, _ := domain.(string); !strings.HasSuffix(text, ".westeurope.azurecontainerapps.io") {
		t.Errorf("its domain is %v", domain)
	}
	a := w.Want(200, "", "PUT "+env, `{"location":"westeurope","properties":{"defaultDomain":"mine.example","workloadProfiles":[{"workloadProfileType":"consumption","Name":"C","minimumCount":null}]}}`)
	for name, want := range map[string]any{"defaultDomain": domain, "staticIp": "127.0.0.1", "zoneRedundant": false, "publicNetworkAccess": "Enabled", "peerAuthentication.mtls.enabled": false} {
		if got := a.Property("properties." + name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if got := fmt.Sprint(a.Property("properties.workloadProfiles")); got != "[map[name:C workloadProfileType:Consumption]]" {
		t.Errorf("its profiles are %s", got)
	}
	again := w.Want(200, "", "PUT "+env, a.Text)
	if again.Text == "" || again.Property("properties.defaultDomain") != domain {
		t.Errorf("what was read, sent back: %s", again.Text)
	}
}

func TestAnEnvironmentHasAnIdentity(t *testing.T) {
	w := begin(t)
	a := w.Want(200, "", "PATCH "+env, `{"identity":{"type":"SystemAssigned"}}`)
	if p, _ := a.Property("identity.principalId").(string); !cloud.IsGUID(p) {
		t.Errorf("identity: %s", a.Text)
	}
	w.Want(200, "", "PATCH "+env, `{"identity":{"type":"None"}}`)
}

func TestWhetherAnAppsNameIsFree(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+shop, body("", ""))
	const line = "POST " + env + "/checkNameAvailability"
	for name, reason := range map[string]string{"till": "None", "shop": "AlreadyExists", "9": "Invalid"} {
		a := w.Want(200, "", line, `{"name":"`+name+`","type":"Microsoft.App/containerApps"}`)
		if a.Property("nameAvailable") != (reason == "None") || a.Property("reason") != reason {
			t.Errorf("%s: %s", name, a.Text)
		}
	}
	w.Want(501, "NotOffered", line, `{"name":"a","type":"Microsoft.App/managedEnvironments/certificates"}`)
	w.Want(400, "InvalidRequestContent", line, `[]`)
}

func TestWhatIsNotThereIsRefusedByName(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+shop, body("", ""))
	for _, line := range []string{"GET " + shop + "/authConfigs", "PUT " + env + "/daprComponents/a", "POST " + env + "/getAuthToken",
		"PUT " + providertest.Group + "/providers/Microsoft.App/jobs/a"} {
		w.Want(501, "NotOffered", line, `{}`)
	}
}

func TestEnvironments(t *testing.T) {
	w := begin(t)
	at := "PUT " + providertest.Group + "/providers/Microsoft.App/managedEnvironments/"
	props := func(p string) string { return `{"location":"westeurope","properties":{` + p + `}}` }
	w.Want(400, "ManagedEnvironmentInvalidName", at+"my_env", here)
	w.Want(201, "", at+"a1", props(`"workloadProfiles":[{"name":"Consumption","workloadProfileType":"Consumption"}],"zoneRedundant":false,"vnetConfiguration":null,"appLogsConfiguration":{"destination":"none"}`))
	for field, p := range map[string]string{
		"properties.vnetConfiguration":                               `"vnetConfiguration":{"internal":true}`,
		"properties.zoneRedundant":                                   `"zoneRedundant":true`,
		"properties.workloadProfiles: D4":                            `"workloadProfiles":[{"name":"a","workloadProfileType":"D4"}]`,
		"properties.appLogsConfiguration.destination: log-analytics": `"appLogsConfiguration":{"destination":"log-analytics","logAnalyticsConfiguration":{"customerId":"x","sharedKey":"y"}}`,
		"properties.publicNetworkAccess: Disabled":                   `"publicNetworkAccess":"Disabled"`,
	} {
		if a := w.Want(501, "NotOffered", at+"a2", props(p)); !strings.Contains(a.Text, "'"+field+"'") {
			t.Errorf("the refusal does not name %s: %s", field, a.Text)
		}
	}
}

func TestRefusalsRepeatWhatWasSentShort(t *testing.T) {
	w := begin(t)
	loud := strings.Repeat("\u00e9!", 4000)
	for claim, body := range map[string]string{
		"the environment":       strings.ReplaceAll(body("", ""), env, loud),
		"the mode":              body("", `,"configuration":{"activeRevisionsMode":"`+loud+`"}`),
		"the profile":           body("", `,"workloadProfileName":"`+loud+`"`),
		"an unknown member":     body("", `,"`+loud+`":1`),
		"the kind":              strings.Replace(body("", ""), "{", `{"kind":"`+loud+`",`, 1),
		"the container's name":  strings.Replace(body("", ""), `"name":"main"`, `"name":"`+loud+`"`, 1),
		"the image":             strings.NewReplacer("shop:1", loud, `,"command":["/bin/shop"]`, "").Replace(body("", "")),
		"a variable's name":     body(`,"env":[{"name":"`+loud+`","value":"b"}]`, ""),
		"the memory":            body(`,"resources":{"cpu":1,"memory":"`+loud+`"}`, ""),
		"the revision's suffix": strings.Replace(body("", ""), `"template":{`, `"template":{"revisionSuffix":"`+loud+`",`, 1),
	} {
		if a := w.Ask("PUT "+shop, body); a.Status < 400 || len(a.Text) > 1000 || strings.Contains(a.Text, "\u00e9") {
			t.Errorf("of %s it answers %d in %d bytes: %.300s", claim, a.Status, len(a.Text), a.Text)
		}
	}
}

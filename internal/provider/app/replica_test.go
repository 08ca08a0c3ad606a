package app_test

import (
	"fmt"
	"strings"
	"testing"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider/providertest"
)

func TestReplicasAndTheirLogs(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+shop, strings.Replace(body("", ""), `"template":{`, `"template":{"revisionSuffix":"blue",`, 1))
	const stream = "https://westeurope.azurecontainerapps.dev" + providertest.Group + "/containerApps/shop"
	if got := w.Want(200, "", "GET "+shop, "").Property("properties.eventStreamEndpoint"); got != stream+"/eventstream" {
		t.Errorf("its events are at %v", got)
	}
	token := w.Want(200, "", "POST "+shop+"/getAuthToken", "")
	if token.Property("properties.token") != "ticket of shop" || token.Property("properties.expires") != "2026-03-01T13:00:00Z" || token.Property("location") != "westeurope" {
		t.Errorf("the token is %s", token.Text)
	}
	w.Refuse = arm.Demand{Action: "Microsoft.App/containerApps/getAuthToken/action", Scope: cloud.Root}
	w.Want(403, "AuthorizationFailed", "POST "+shop+"/getAuthToken", "")
	const replicas = shop + "/revisions/shop--blue/replicas"
	if list := w.Want(200, "", "GET "+replicas, "").Values(); len(list) != 1 || list[0]["name"] != "one" {
		t.Errorf("replicas: %v", list)
	}
	one := w.Want(200, "", "GET "+replicas+"/one", "")
	want := "[map[logStreamEndpoint:" + stream + "/revisions/shop--blue/replicas/one/containers/main/logstream name:main ready:true restartCount:2 runningState:Running started:true]]"
	if got := fmt.Sprint(one.Property("properties.containers")); got != want || one.Property("properties.createdTime") != "2026-03-01T12:00:00Z" {
		t.Errorf("the replica is %s", one.Text)
	}
	w.Want(404, "ResourceNotFound", "GET "+replicas+"/old", "")
	w.Want(404, "ParentResourceNotFound", "GET "+shop+"/revisions/shop--green/replicas/old", "")
	w.Want(405, "MethodNotAllowed", "PUT "+replicas+"/two", `{}`)
}

package arm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"lanyard/internal/cloud"
)

func TestWrites(t *testing.T) {
	cases := map[string]func(w *world){
		"a PUT creates with 201 and replaces with 200": func(w *world) {
			first := w.want(201, w.ask("PUT", carts+"/a", `{"location":"West Europe","properties":{"x":1},"sku":{"name":"S"}}`))
			if first.at("location") != "westeurope" || first.at("sku", "name") != "S" || first.at("properties", "provisioningState") != "Succeeded" {
				w.t.Errorf("created %s", first.text)
			}
			if first.header.Get("Azure-AsyncOperation") == "" || first.header.Get("ETag") != first.at("etag") {
				w.t.Errorf("headers %v", first.header)
			}
			second := w.want(200, w.ask("PUT", carts+"/a", `{"location":"westeurope","properties":{"y":2}}`))
			if second.at("properties", "x") != nil || second.at("sku") != nil || second.at("systemData", "createdBy") != "owner-app" {
				w.t.Errorf("replaced %s", second.text)
			}
		},
		"the status address of a create says Succeeded": func(w *world) {
			made := w.want(201, w.ask("PUT", carts+"/a", here))
			url := strings.TrimPrefix(made.header.Get("Azure-AsyncOperation"), "http://example.com")
			if s := w.want(200, w.ask("GET", url, "")); s.at("status") != "Succeeded" {
				w.t.Errorf("status %s", s.text)
			}
		},
		"a PATCH merges properties and replaces tags": func(w *world) {
			w.want(201, w.ask("PUT", carts+"/a", `{"location":"westeurope","tags":{"a":"1"},"properties":{"x":{"y":1,"z":2}}}`))
			s := w.want(200, w.ask("PATCH", carts+"/a", `{"tags":{"b":"2"},"properties":{"x":{"y":null,"w":3}}}`))
			if s.at("tags", "a") != nil || s.at("tags", "b") != "2" || s.at("properties", "x", "y") != nil ||
				s.at("properties", "x", "z") != 2.0 || s.at("properties", "x", "w") != 3.0 || s.at("location") != "westeurope" {
				w.t.Errorf("patched %s", s.text)
			}
		},
		"a PATCH of nothing is not found": func(w *world) {
			if s := w.want(404, w.ask("PATCH", carts+"/a", `{}`)); s.code() != "ResourceNotFound" {
				w.t.Error(s.text)
			}
		},
		"ids keep the parents' spelling and the last spelling of the name": func(w *world) {
			w.want(201, w.ask("PUT", carts+"/a", here))
			s := w.want(200, w.ask("PUT", strings.ToLower(strings.Replace(carts, "resourceGroups/rg", "resourcegroups/RG", 1))+"/A", here))
			if s.at("id") != carts+"/A" || s.at("type") != "Toy.Shop/carts" {
				w.t.Error(s.text)
			}
		},
		"numbers keep all their digits": func(w *world) {
			s := w.want(201, w.ask("PUT", carts+"/a", `{"location":"westeurope","properties":{"n":12345678901234567890}}`))
			if !strings.Contains(s.text, "12345678901234567890") {
				w.t.Error(s.text)
			}
		},
		"the present provisioningState may be sent back": func(w *world) {
			w.want(201, w.ask("PUT", carts+"/a", here))
			w.want(200, w.ask("PUT", carts+"/a", `{"location":"westeurope","properties":{"provisioningState":"Succeeded"}}`))
		},
		"If-None-Match * creates only": func(w *world) {
			w.want(201, w.ask("PUT", carts+"/a", here, "If-None-Match", "*"))
			w.want(412, w.ask("PUT", carts+"/a", here, "If-None-Match", "*"))
		},
		"If-Match holds a write to the state that was read": func(w *world) {
			w.want(412, w.ask("PUT", carts+"/a", here, "If-Match", "*"))
			tag := w.want(201, w.ask("PUT", carts+"/a", here)).header.Get("ETag")
			w.want(200, w.ask("PUT", carts+"/a", here, "If-Match", tag))
			if s := w.want(412, w.ask("DELETE", carts+"/a", "", "If-Match", tag)); s.code() != "PreconditionFailed" {
				w.t.Error(s.text)
			}
		},
		"a weak tag matches readers' conditions alone": func(w *world) {
			tag := w.want(201, w.ask("PUT", carts+"/a", here)).header.Get("ETag")
			w.want(412, w.ask("PUT", carts+"/a", here, "If-Match", "W/"+tag))
			w.want(304, w.ask("GET", carts+"/a", "", "If-None-Match", "W/"+tag))
			w.want(412, w.ask("PATCH", carts+"/a", `{}`, "If-None-Match", `"other", W/`+tag))
			w.want(200, w.ask("PATCH", carts+"/a", `{}`, "If-Match", `"other", `+tag))
		},
		"If-Match * wants something there": func(w *world) {
			w.want(412, w.ask("DELETE", carts+"/a", "", "If-Match", "*"))
			w.want(201, w.ask("PUT", carts+"/a", here))
			w.want(200, w.ask("PATCH", carts+"/a", `{}`, "If-Match", "*"))
			w.want(304, w.ask("GET", carts+"/a", "", "If-None-Match", "*"))
			w.want(200, w.ask("DELETE", carts+"/a", "", "If-Match", "*"))
		},
		"who created and who changed are told apart": func(w *world) {
			w.want(201, w.ask("PUT", carts+"/a", here, "Authorization", "Bearer person"))
			s := w.want(200, w.ask("PATCH", carts+"/a", `{}`, "Authorization", "Bearer robot"))
			if s.at("systemData", "createdBy") != "owner@lanyard.localhost" || s.at("systemData", "createdByType") != "User" ||
				s.at("systemData", "lastModifiedBy") != "robot-app" || s.at("systemData", "lastModifiedByType") != "ManagedIdentity" {
				w.t.Error(s.text)
			}
			s = w.want(200, w.ask("PUT", carts+"/a", `{"location":"westeurope","systemData":{"createdBy":"me"}}`))
			if s.at("systemData", "createdBy") != "owner@lanyard.localhost" || s.at("systemData", "lastModifiedByType") != "Application" {
				w.t.Error(s.text)
			}
		},
		"fifty tags of Azure's lengths": func(w *world) {
			tags := map[string]string{strings.Repeat("n", 512): strings.Repeat("v", 256)}
			for i := range 49 {
				tags[fmt.Sprintf("tag %d: über *", i)] = "<>%&\\?/"
			}
			body, _ := json.Marshal(map[string]any{"location": "westeurope", "tags": tags})
			if s := w.want(201, w.ask("PUT", carts+"/a", string(body))); len(s.at("tags").(map[string]any)) != 50 {
				w.t.Error(s.text)
			}
		},
		"groups show no etag in their body": func(w *world) {
			if s := w.want(200, w.ask("GET", group, "")); s.at("etag") != nil || s.header.Get("ETag") == "" {
				w.t.Error(s.text)
			}
		},
		"a reader who has the state gets 304": func(w *world) {
			tag := w.want(201, w.ask("PUT", carts+"/a", here)).header.Get("ETag")
			w.want(304, w.ask("GET", carts+"/a", "", "If-None-Match", tag))
		},
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) { w := newWorld(t); w.t = t; run(w) })
	}
}

func manyTags(n int) string {
	var tags []string
	for i := range n {
		tags = append(tags, fmt.Sprintf(`"t%d":""`, i))
	}
	return strings.Join(tags, ",")
}

func TestRefusedWrites(t *testing.T) {
	cases := map[string]struct {
		path, body string
		status     int
		code       string
	}{
		"a tracked resource without a location":   {carts + "/b", `{}`, 400, "LocationRequired"},
		"another location":                        {carts + "/a", `{"location":"eastus"}`, 409, "InvalidResourceLocation"},
		"another location of a group":             {group, `{"location":"eastus"}`, 409, "InvalidResourceGroupLocation"},
		"a body's id that is not the path's":      {carts + "/b", `{"id":"` + carts + `/c","location":"westeurope"}`, 400, "InvalidRequestContent"},
		"a body's name that is not the path's":    {carts + "/b", `{"name":"c","location":"westeurope"}`, 400, "InvalidRequestContent"},
		"a body's type that is not the path's":    {carts + "/b", `{"type":"Toy.Shop/dogs","location":"westeurope"}`, 400, "InvalidRequestContent"},
		"a body that is no object":                {carts + "/b", `[1]`, 400, "InvalidRequestContent"},
		"an empty body":                           {carts + "/b", ``, 400, "InvalidRequestContent"},
		"null":                                    {carts + "/b", `null`, 400, "InvalidRequestContent"},
		"properties that are no object":           {carts + "/b", `{"location":"westeurope","properties":7}`, 400, "InvalidRequestContent"},
		"tags that are no texts":                  {carts + "/b", `{"location":"westeurope","tags":{"a":1}}`, 400, "InvalidRequestContent"},
		"fifty-one tags":                          {carts + "/b", `{"location":"westeurope","tags":{` + manyTags(51) + `}}`, 400, "TooManyTags"},
		"a tag's name of 513 characters":          {carts + "/b", `{"location":"westeurope","tags":{"` + strings.Repeat("n", 513) + `":""}}`, 400, "InvalidTagNameLength"},
		"a tag's value of 257 characters":         {carts + "/b", `{"location":"westeurope","tags":{"n":"` + strings.Repeat("v", 257) + `"}}`, 400, "InvalidTagValueLength"},
		"a tag's name with a slash":               {carts + "/b", `{"location":"westeurope","tags":{"a/b":""}}`, 400, "InvalidTagNameCharacters"},
		"a tag's name with a control character":   {carts + "/b", `{"location":"westeurope","tags":{"a\u0007b":""}}`, 400, "InvalidTagNameCharacters"},
		"a tag's name of nothing":                 {carts + "/b", `{"location":"westeurope","tags":{"":"a"}}`, 400, "InvalidTagName"},
		"a tag in two spellings":                  {carts + "/b", `{"location":"westeurope","tags":{"a":"1","A":"1"}}`, 400, "DuplicateTagName"},
		"a tag without a value":                   {carts + "/b", `{"location":"westeurope","tags":{"a":null}}`, 400, "InvalidRequestContent"},
		"a state that a new one will not have":    {carts + "/b", `{"location":"westeurope","properties":{"provisioningState":"Failed"}}`, 400, "InvalidRequestContent"},
		"another state in another spelling":       {carts + "/a", `{"location":"westeurope","properties":{"ProvisioningState":"Failed"}}`, 400, "InvalidRequestContent"},
		"one deep member in two spellings":        {carts + "/b", `{"location":"westeurope","properties":{"x":[{"enabled":false,"Enabled":true}]}}`, 400, "InvalidRequestContent"},
		"a member that only JSON readers fold":    {carts + "/b", `{"location":"westeurope","properties":{"keys":1,"\u212aeyſ":2}}`, 400, "InvalidRequestContent"},
		"one member in two spellings":             {carts + "/b", `{"location":"westeurope","Location":"eastus"}`, 400, "InvalidRequestContent"},
		"nesting without end":                     {carts + "/b", `{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, 400, "InvalidRequestContent"},
		"a megabyte and more":                     {carts + "/b", `{"a":"` + strings.Repeat("a", maxDocument) + `"}`, 413, "RequestContentTooLarge"},
		"a provisioningState of the client's own": {carts + "/a", `{"location":"westeurope","properties":{"provisioningState":"Failed"}}`, 400, "InvalidRequestContent"},
		"a name against the type's rule":          {carts + "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", here, 400, "InvalidResourceName"},
		"what the type's own rules refuse":        {carts + "/b", `{"location":"westeurope","properties":{"broken":true}}`, 400, "BrokenCart"},
		"a resource in no group":                  {strings.Replace(carts, "/rg/", "/none/", 1) + "/b", here, 404, "ResourceGroupNotFound"},
		"a resource in no subscription":           {strings.Replace(carts, "1111-1111-1111", "1111-1111-2222", 1) + "/b", here, 404, "SubscriptionNotFound"},
		"a child of no parent":                    {carts + "/none/wheels/w", `{}`, 404, "ParentResourceNotFound"},
		"an extension of nothing":                 {carts + "/none/providers/Microsoft.Authorization/roleAssignments/r", `{}`, 404, "ParentResourceNotFound"},
		"an identity on a type that wears none":   {uamis + "/u", `{"location":"westeurope","identity":{"type":"SystemAssigned"}}`, 400, "FailedIdentityOperation"},
		"a type of another place":                 {sub + "/providers/Toy.Shop/carts/b", here, 404, "InvalidResourceType"},
	}
	w := newWorld(t)
	w.want(201, w.ask("PUT", carts+"/a", here))
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := w.ask("PUT", c.path, c.body)
			if s.status != c.status || s.code() != c.code || s.header.Get("x-ms-error-code") != c.code {
				t.Errorf("got %d %s, want %d %s", s.status, s.text, c.status, c.code)
			}
		})
	}
}

// Every writer adds one to a counter under the ETag it read: none of the additions is lost.
func TestNoUpdateIsLostUnderETags(t *testing.T) {
	const writers, each = 8, 10
	w := newWorld(t)
	w.want(201, w.ask("PUT", carts+"/a", `{"location":"westeurope","properties":{"n":0}}`))
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for done := 0; done < each; {
				now := w.ask("GET", carts+"/a", "")
				n, _ := now.at("properties", "n").(float64)
				s := w.ask("PATCH", carts+"/a", fmt.Sprintf(`{"properties":{"n":%d}}`, int(n)+1), "If-Match", now.header.Get("ETag"))
				switch s.status {
				case http.StatusOK:
					done++
				case http.StatusPreconditionFailed:
				default:
					t.Errorf("got %d %s", s.status, s.text)
					return
				}
			}
		})
	}
	all.Wait()
	if n := w.ask("GET", carts+"/a", "").at("properties", "n"); n != float64(writers*each) {
		t.Errorf("counted %v, want %d", n, writers*each)
	}
}

func TestConcurrentPatchesOfDifferentMembersAllStay(t *testing.T) {
	const writers = 8
	w := newWorld(t)
	w.want(201, w.ask("PUT", carts+"/a", here))
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			if s := w.ask("PATCH", carts+"/a", fmt.Sprintf(`{"properties":{"m%d":true}}`, i)); s.status != 200 {
				t.Errorf("got %d %s", s.status, s.text)
			}
		})
	}
	all.Wait()
	s := w.ask("GET", carts+"/a", "")
	for i := range writers {
		if s.at("properties", fmt.Sprintf("m%d", i)) != true {
			t.Errorf("m%d is lost: %s", i, s.text)
		}
	}
}

func TestAHostNameIsHeldByOneResource(t *testing.T) {
	w := newWorld(t)
	with := func(host string) string { return `{"location":"westeurope","properties":{"hosts":["` + host + `"]}}` }
	w.want(201, w.ask("PUT", carts+"/a", with("Shop.example")))
	if s := w.want(409, w.ask("PUT", carts+"/b", with("shop.EXAMPLE"))); s.code() != "Conflict" {
		t.Error(s.text)
	}
	if d, ok := w.ByHost("SHOP.example"); !ok || !d.ID.Equal(cloud.MustID(carts+"/a")) {
		t.Errorf("the name leads to %v", d)
	}
	w.want(200, w.ask("PUT", carts+"/a", with("other.example")))
	w.want(201, w.ask("PUT", carts+"/b", with("shop.example")))
	w.want(200, w.ask("DELETE", carts+"/a", ""))
	if _, ok := w.ByHost("other.example"); ok {
		t.Error("a deleted resource still holds its name")
	}
	w.want(200, w.ask("PATCH", carts+"/b", `{"properties":{"hosts":["other.example"]}}`))
}

func TestOfManyClaimsOnAHostNameOneWins(t *testing.T) {
	w := newWorld(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 8 {
		all.Go(func() {
			s := w.ask("PUT", fmt.Sprintf("%s/c%d", carts, i), `{"location":"westeurope","properties":{"hosts":["one.example"]}}`)
			mu.Lock()
			defer mu.Unlock()
			switch s.status {
			case 201:
				won++
			case 409:
			default:
				t.Errorf("got %d %s", s.status, s.text)
			}
		})
	}
	all.Wait()
	if won != 1 {
		t.Errorf("%d resources hold the name", won)
	}
}

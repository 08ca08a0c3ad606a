package java

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lanyard/test/clients/stage"
)

// A version that pom.xml does not name is whatever the packages ask for, or a mirror has.
func TestEveryPackageIsPinned(t *testing.T) {
	installed, err := filepath.Glob(filepath.Join(stage.Tool(t, "java"), "*.jar"))
	if err != nil || len(installed) == 0 {
		t.Fatalf("there are no packages: %v", err)
	}
	text, err := os.ReadFile("pom.xml")
	if err != nil {
		t.Fatal(err)
	}
	type dependency struct {
		Artifact   string `xml:"artifactId"`
		Version    string `xml:"version"`
		Classifier string `xml:"classifier"`
	}
	var pom struct {
		Direct  []dependency `xml:"dependencies>dependency"`
		Brought []dependency `xml:"dependencyManagement>dependencies>dependency"`
	}
	if err := xml.Unmarshal(text, &pom); err != nil {
		t.Fatal(err)
	}
	var pinned []string
	for _, d := range append(pom.Direct, pom.Brought...) {
		name := d.Artifact + "-" + d.Version
		if d.Classifier != "" {
			name += "-" + d.Classifier
		}
		pinned = append(pinned, name+".jar")
	}
	for i, jar := range installed {
		if installed[i] = filepath.Base(jar); !slices.Contains(pinned, installed[i]) {
			t.Errorf("%s is installed and pom.xml does not name it", installed[i])
		}
	}
	for _, jar := range pinned {
		if !slices.Contains(installed, jar) {
			t.Errorf("pom.xml names %s, which is not installed", jar)
		}
	}
}

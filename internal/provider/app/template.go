package app

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"lanyard/internal/fault"
	"lanyard/internal/provider"
)

const (
	templatePath  = "properties.template"
	containerPath = templatePath + ".containers"

	// maxReplicas is how many replicas of an app this world starts.
	maxReplicas = 10
	// azureReplicas is Azure's own bound of maxReplicas.
	azureReplicas = 1000
)

var (
	validContainer = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	validVariable  = regexp.MustCompile(`^[-._A-Za-z][-._A-Za-z0-9]*$`)
	validSuffix    = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,52}[a-z0-9])?$`)
)

// invalidField is Azure's refusal of something in a template (wire-facts: "Microsoft.App").
func invalidField(field, format string, said ...string) *fault.Error {
	clipped := make([]any, len(said))
	for i, text := range said {
		clipped[i] = fault.Clip(text)
	}
	return fault.New(fault.Invalid, "InvalidParameterValueInContainerTemplate",
		"The following field(s) are either invalid or missing. Field '%s' is invalid with details: '%s';.", fault.Clip(field), fmt.Sprintf(format, clipped...))
}

// shapeTemplate holds the template against the rules and fills its defaults. What it leaves is in
// one form, so that two templates that ask for the same are equal.
func shapeTemplate(m provider.Members) error {
	t, err := provider.Read(templatePath, m["template"])
	if err != nil {
		return err
	}
	if err := t.Close(templatePath, "containers", "scale", "revisionSuffix"); err != nil {
		return err
	}
	if suffix := t.Text("revisionSuffix"); suffix != "" && (!validSuffix.MatchString(suffix) || strings.Contains(suffix, "--")) {
		return invalidField("template.revisionSuffix", "Invalid value: %q: it must consist of lower case letters, digits and single hyphens", suffix)
	}
	t.Default("revisionSuffix", "")
	var containers []json.RawMessage
	if err := t.Decode(templatePath, "containers", &containers); err != nil {
		return err
	}
	switch {
	case len(containers) == 0:
		return invalidField("template.containers", "Required value: an app needs a container")
	case len(containers) > 1:
		return provider.NotOffered(containerPath + "[1]")
	}
	shaped, err := shapeContainer(containers[0])
	if err != nil {
		return err
	}
	t.Set("containers", []json.RawMessage{shaped})
	if err := shapeScale(t); err != nil {
		return err
	}
	m["template"] = t.Raw()
	return nil
}

func shapeContainer(raw json.RawMessage) (json.RawMessage, error) {
	m, err := provider.Read(containerPath, raw)
	if err != nil {
		return nil, err
	}
	if err := m.Close(containerPath, "name", "image", "command", "args", "env", "resources"); err != nil {
		return nil, err
	}
	var c container
	for name, v := range map[string]any{"name": &c.Name, "image": &c.Image, "command": &c.Command, "args": &c.Args} {
		if err := m.Decode(containerPath, name, v); err != nil {
			return nil, err
		}
	}
	if !validContainer.MatchString(c.Name) {
		return nil, invalidField("template.containers.name", "Invalid value: %q: it must consist of lower case letters, digits and hyphens", c.Name)
	}
	if c.Image == "" {
		return nil, invalidField("template.containers."+c.Name+".image", "Invalid value: \"\": it is required")
	}
	if len(c.Command) == 0 {
		return nil, fault.New(fault.NotOffered, "NotOffered", "'%s[0].command' is missing: this world runs commands of this machine and does not take one from the image '%s'.", containerPath, fault.Clip(c.Image))
	}
	for _, word := range append(append([]string{}, c.Command...), c.Args...) {
		if strings.ContainsRune(word, 0) {
			return nil, invalidField("template.containers."+c.Name+".command", "Invalid value: a word holds a NUL")
		}
	}
	m.Default("args", []string{})
	if err := shapeEnv(m); err != nil {
		return nil, err
	}
	if err := shapeResources(m); err != nil {
		return nil, err
	}
	return m.Raw(), nil
}

func shapeEnv(m provider.Members) error {
	const path = containerPath + "[0].env"
	var entries []json.RawMessage
	if err := m.Decode(containerPath, "env", &entries); err != nil {
		return err
	}
	seen := map[string]bool{}
	variables := []envVar{}
	for _, raw := range entries {
		e, err := provider.Read(path, raw)
		if err != nil {
			return err
		}
		if err := e.Close(path, "name", "value"); err != nil {
			return err
		}
		var v envVar
		if err := e.Decode(path, "name", &v.Name); err != nil {
			return err
		}
		if err := e.Decode(path, "value", &v.Value); err != nil {
			return err
		}
		switch {
		case !validVariable.MatchString(v.Name):
			return fault.New(fault.Invalid, "ContainerAppInvalidEnvVarName", "Env variable name '%s' contains invalid character, allowed characters are 'a-z, A-Z, 0-9, -, . and _', no digit first.", fault.Clip(v.Name))
		case seen[v.Name]:
			return invalidField("template.containers.env", "Duplicate value: %q", v.Name)
		case strings.ContainsRune(v.Value, 0):
			return invalidField("template.containers.env."+v.Name, "Invalid value: it holds a NUL")
		}
		seen[v.Name] = true
		variables = append(variables, v)
	}
	m.Set("env", variables)
	return nil
}

// shapeResources holds CPU and memory against the combinations that Azure has: quarters of a CPU
// up to 4, with 2 Gi of memory for each.
func shapeResources(m provider.Members) error {
	const path = containerPath + "[0].resources"
	r, err := provider.Read(path, m["resources"])
	if err != nil {
		return err
	}
	r.Drop("ephemeralStorage")
	if err := r.Close(path, "cpu", "memory"); err != nil {
		return err
	}
	want := resources{CPU: 0.5, Memory: "1Gi"}
	if err := r.Decode(path, "cpu", &want.CPU); err != nil {
		return err
	}
	if err := r.Decode(path, "memory", &want.Memory); err != nil {
		return err
	}
	memory, err := strconv.ParseFloat(strings.TrimSuffix(want.Memory, "Gi"), 64)
	quarters := want.CPU * 4
	if err != nil || !strings.HasSuffix(want.Memory, "Gi") || quarters != float64(int(quarters)) || quarters < 1 || quarters > 16 || memory != want.CPU*2 {
		return fault.New(fault.Invalid, "ContainerAppInvalidResourceTotal",
			"The total requested CPU and memory resources for this application (CPU: %v, memory: %s) is invalid. Total CPU and memory for all containers defined in a Container App must add up to a multiple of [cpu: 0.25, memory: 0.5Gi], up to [cpu: 4.0, memory: 8.0Gi].", want.CPU, fault.Clip(want.Memory))
	}
	m.Set("resources", map[string]any{"cpu": want.CPU, "memory": want.Memory})
	return nil
}

// shapeScale fills Azure's defaults. Nothing scales by load here, so minReplicas alone says how
// many replicas run; without it one does, as in Azure while an app is used.
func shapeScale(t provider.Members) error {
	const path = templatePath + ".scale"
	m, err := provider.Read(path, t["scale"])
	if err != nil {
		return err
	}
	if err := m.Close(path, "minReplicas", "maxReplicas", "cooldownPeriod", "pollingInterval"); err != nil {
		return err
	}
	var s scale
	for name, v := range map[string]any{"minReplicas": &s.MinReplicas, "maxReplicas": &s.MaxReplicas,
		"cooldownPeriod": &s.CooldownPeriod, "pollingInterval": &s.PollingInterval} {
		if err := m.Decode(path, name, v); err != nil {
			return err
		}
	}
	least, most := or(s.MinReplicas, 1), or(s.MaxReplicas, max(maxReplicas, or(s.MinReplicas, 1)))
	switch {
	case least < 0 || most < 1 || most > azureReplicas || least > most:
		return fault.New(fault.Invalid, "ContainerAppInvalidScaleSpec", "'%s' needs 0 <= minReplicas <= maxReplicas and 1 <= maxReplicas <= %d, not %d and %d.", path, azureReplicas, least, most)
	case least > maxReplicas:
		return fault.New(fault.NotOffered, "NotOffered", "'%s.minReplicas' above %d is not offered in this world.", path, maxReplicas)
	case or(s.CooldownPeriod, 300) != 300:
		return provider.NotOffered(path + ".cooldownPeriod")
	case or(s.PollingInterval, 30) != 30:
		return provider.NotOffered(path + ".pollingInterval")
	}
	scaled := provider.Members{}
	scaled.Set("maxReplicas", most)
	if s.MinReplicas != nil {
		scaled.Set("minReplicas", least)
	}
	scaled.Set("cooldownPeriod", 300)
	scaled.Set("pollingInterval", 30)
	t["scale"] = scaled.Raw()
	return nil
}

func or(n *int, otherwise int) int {
	if n == nil {
		return otherwise
	}
	return *n
}

// Command read reads one secret with each foreign token named, with the unmodified Go SDK.
package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// answer is one line of output.
type answer struct {
	File  string `json:"file"`
	Value string `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
}

func main() {
	for _, file := range os.Args[1:] {
		value, err := read(file)
		a := answer{File: file, Value: value}
		if err != nil {
			a.Error = err.Error()
		}
		if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
			panic(err)
		}
	}
}

// read takes client and tenant from the variables that AKS sets.
func read(file string) (string, error) {
	credential, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{TokenFilePath: file})
	if err != nil {
		return "", err
	}
	client, err := azsecrets.NewClient(os.Getenv("VAULT"), credential, nil)
	if err != nil {
		return "", err
	}
	secret, err := client.GetSecret(context.Background(), os.Getenv("SECRET"), "", nil)
	if err != nil {
		return "", err
	}
	return *secret.Value, nil
}

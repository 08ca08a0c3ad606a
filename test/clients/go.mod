module lanyard/test/clients

go 1.26.0

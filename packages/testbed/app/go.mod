module chaosplane.test/app

go 1.19

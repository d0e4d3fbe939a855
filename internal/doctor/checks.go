package doctor

// Checks are all checks, in the order in which they are made and their findings of
// one severity are told: what can stop the whole cluster comes first.
func Checks() []*Check {
	return []*Check{
		// The API server asks usher, and nobody waits for ever.
		checkColdStart,
		checkRegistered,
		checkSettings,
		checkDoors,
		checkJudged,
		checkSystemPods,
		// Certificates.
		checkCertificateMode,
		checkCABundle,
		checkServingCertificate,
		checkCertificateServed,
		// What was installed.
		checkCRDs,
		checkRBAC,
		checkLedgerWriters,
		checkFlow,
		checkConfiguration,
		checkPolicyFolder,
		checkPolicyModes,
		// What runs.
		checkReplicas,
		checkDisruption,
		checkReadiness,
		checkStaleWatch,
		checkPolicyFailures,
		checkAgreement,
		checkLeader,
		// Tenants and their GPUs.
		checkTenants,
		checkLedgers,
		checkOutside,
		checkRights,
		checkReports,
		checkAgents,
		checkScheduler,
		checkExtender,
	}
}

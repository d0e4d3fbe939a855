package nvml

import (
	"errors"
	"fmt"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"usher.dev/usher/agent"
	"usher.dev/usher/api/v1alpha1"
)

func (d *device) Wear() (agent.Wear, error) {
	var wear agent.Wear
	var err error
	// GPUs without ECC count nothing.
	wear.Uncorrected, _, err = ask(d.driver, "nvmlDeviceGetTotalEccErrors", func() (uint64, nvml.Return) {
		return d.handle.GetTotalEccErrors(nvml.MEMORY_ERROR_TYPE_UNCORRECTED, nvml.VOLATILE_ECC)
	})
	if err != nil {
		return wear, err
	}
	rows, _, err := ask(d.driver, "nvmlDeviceGetRemappedRows", func() ([2]bool, nvml.Return) {
		_, _, pending, failed, ret := d.handle.GetRemappedRows()
		return [2]bool{pending, failed}, ret
	})
	if err != nil {
		return wear, err
	}
	wear.RowsPending, wear.RowsFailed = rows[0], rows[1]
	pages, known, err := ask(d.driver, "nvmlDeviceGetRetiredPagesPendingStatus", d.handle.GetRetiredPagesPendingStatus)
	if err != nil {
		return wear, err
	}
	wear.PagesPending = known && pages == nvml.FEATURE_ENABLED
	action := nvml.FieldValue{FieldId: nvml.FI_DEV_GET_GPU_RECOVERY_ACTION}
	answers, err := d.fields([]nvml.FieldValue{action})
	recovery, known := answers[[2]uint32{action.FieldId, 0}]
	wear.RecoveryKnown, wear.Recovery = known, agent.Recovery(recovery)
	return wear, err
}

func (d *device) MIG() (*v1alpha1.MIG, error) {
	mode, known, err := ask(d.driver, "nvmlDeviceGetMigMode", func() (int, nvml.Return) {
		current, _, ret := d.handle.GetMigMode()
		return current, ret
	})
	if !known {
		return nil, err
	}
	mig := &v1alpha1.MIG{Enabled: mode == nvml.DEVICE_MIG_ENABLE}
	if !mig.Enabled {
		return mig, nil
	}
	count, _, err := ask(d.driver, "nvmlDeviceGetMaxMigDeviceCount", d.handle.GetMaxMigDeviceCount)
	if err != nil {
		return nil, err
	}
	for i := range count {
		instance, err := d.instance(i)
		if err != nil {
			return nil, err
		}
		if instance != nil {
			mig.Instances = append(mig.Instances, *instance)
		}
	}
	return mig, nil
}

// instance returns a MIG device by its index, nil if there is none.
func (d *device) instance(index int) (*v1alpha1.MIGInstance, error) {
	limit, w := d.driver.limit, &d.driver.watchdog
	part, err := call(w, "nvmlDeviceGetMigDeviceHandleByIndex", limit, func() (nvml.Device, nvml.Return) {
		return d.handle.GetMigDeviceHandleByIndex(index)
	})
	if failed, ok := errors.AsType[*callError](err); ok && (failed.ret == nvml.ERROR_NOT_FOUND || failed.ret == nvml.ERROR_INVALID_ARGUMENT) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	instance := &v1alpha1.MIGInstance{}
	if instance.UUID, err = call(w, "nvmlDeviceGetUUID", limit, part.GetUUID); err != nil {
		return nil, err
	}
	name, err := call(w, "nvmlDeviceGetName", limit, part.GetName)
	if err != nil {
		return nil, err
	}
	// As in NVIDIA A100-SXM4-40GB MIG 3g.20gb.
	_, profile, found := strings.Cut(name, " MIG ")
	if !found {
		return nil, fmt.Errorf("MIG device %s is named %q, without a profile", instance.UUID, name)
	}
	instance.Profile = profile
	id, err := call(w, "nvmlDeviceGetGpuInstanceId", limit, part.GetGpuInstanceId)
	if err != nil {
		return nil, err
	}
	info, err := call(w, "nvmlGpuInstanceGetInfo", limit, func() (nvml.GpuInstanceInfo, nvml.Return) {
		parent, ret := d.handle.GetGpuInstanceById(id)
		if ret != nvml.SUCCESS {
			return nvml.GpuInstanceInfo{}, ret
		}
		return parent.GetInfo()
	})
	if err != nil {
		return nil, err
	}
	instance.Start, instance.Size = int32(info.Placement.Start), int32(info.Placement.Size)
	return instance, nil
}

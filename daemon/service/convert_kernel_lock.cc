#include "daemon/service/convert_kernel_lock.h"

#include <string>

#include "common/utf8.h"
#include "daemon/analysis/kernel_stall_names.h"

namespace hftmon {

void HolderToProto(const KernelStall& stall, ThreadNames* names, v1::KernelLockWait::Holder* out) {
  out->set_tid(static_cast<int32_t>(stall.owner_tid));
  out->set_pid(static_cast<int32_t>(stall.owner_tgid));
  out->set_comm(ValidUtf8(names->NameOf(stall.owner_tid)));
  const ThreadNumbers inner = names->NumbersOf(stall.owner_tgid, stall.owner_tid);
  out->set_namespace_tid(inner.tid);
  out->set_namespace_pid(inner.pid);
}

void KernelLockToProto(const KernelStall& stall, ThreadNames* names, v1::KernelLockWait* out) {
  out->set_type(std::string(LockTypeName(stall.lock_type)));
  out->set_access(std::string(LockAccess(stall.lock_flags)));
  out->set_address(stall.address);
  if (stall.owner_tid != 0) HolderToProto(stall, names, out->mutable_holder());
}

}  // namespace hftmon

#include "daemon/service/convert_waker.h"

#include <algorithm>
#include <string>

#include "common/utf8.h"
#include "daemon/analysis/interrupt_names.h"
#include "daemon/analysis/preemption_reason.h"

namespace hftmon {
namespace {

const char* ContextName(hft_waker_context context) {
  switch (context) {
    case HFT_WAKER_SOFTIRQ:
      return "softirq";
    case HFT_WAKER_HARD_IRQ:
      return "hard_irq";
    case HFT_WAKER_NMI:
      return "nmi";
    default:
      return "thread";
  }
}

}  // namespace

void WakerToProto(const Waker& waker, ThreadNames* names, v1::Waker* out) {
  out->set_known(waker.state == WakerState::kKnown);
  if (!out->known()) return;
  out->set_context(ContextName(waker.context));
  out->set_tid(static_cast<int32_t>(waker.tid));
  out->set_pid(static_cast<int32_t>(waker.tgid));
  const ThreadNumbers inner = names->NumbersOf(waker.tgid, waker.tid);
  out->set_namespace_tid(inner.tid);
  out->set_namespace_pid(inner.pid);
  const std::string comm(waker.comm, std::find(waker.comm, waker.comm + HFT_COMM_LENGTH, '\0'));
  out->set_comm(ValidUtf8(comm.empty() ? names->NameOf(waker.tid) : comm));
  out->set_cpu(waker.cpu);
  if (waker.context != HFT_WAKER_THREAD && waker.source != HFT_SOURCE_NONE) {
    const std::string handler(waker.handler, std::find(waker.handler, waker.handler + HFT_HANDLER_NAME_LENGTH, '\0'));
    out->set_interrupt(ValidUtf8(InterruptName(waker.source, waker.number, handler)));
    if (waker.source == HFT_SOURCE_DEVICE) out->set_irq(waker.number);
  }
  out->set_woken_monotonic_ns(waker.woken_mono_ns);
  out->set_waker_class(SchedulingClassName(waker.policy, waker.priority));
  out->set_waker_priority(waker.priority);
  out->set_woken_class(SchedulingClassName(waker.woken_policy, waker.woken_priority));
  out->set_woken_priority(waker.woken_priority);
}

}  // namespace hftmon

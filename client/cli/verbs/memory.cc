// memory: what page faults, flushes of the TLB and moved pages take from watched threads, where the long faults happened, and who sends
// the flushes.
#include "client/cli/render/memory.h"

#include "client/cli/verbs/subject_verb.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {

std::unique_ptr<Verb> NewMemoryVerb() {
  using MemoryVerb = SubjectVerb<v1::QueryMemoryRequest, v1::QueryMemoryResponse>;
  return std::make_unique<MemoryVerb>(MemoryVerb::Subject{
      .name = "memory",
      .help = "page faults, TLB flushes with their senders and moved pages of watched threads, and where the long faults happened",
      .threads_help = "thread ids, a list, of the sums by thread (default: all)",
      .window_help = "of the mappings: how far back from now, or `all` that is kept",
      .footer =
          "Of processes attached with --probes memory. Sums: while their target asks, of all, whatever their length. Mappings: from the\n"
          "faults above attach --threshold, which are spikes too. No sum has a thread that ended, nor what was done while the programs "
          "were off.\n"
          "Exit code 1: records were lost or overwritten in the window, single faults were not recorded in a part of it, no figures are\n"
          "to be had of a thread, or threads were not watched.",
      .query = &Client::QueryMemory,
      .text = &MemoryText,
      .json = &MemoryJson});
}

}  // namespace hftmon

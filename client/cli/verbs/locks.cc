// locks: what watched threads block in, and the locks that they wait for.
#include "client/cli/render/locks.h"

#include "client/cli/verbs/subject_verb.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {

std::unique_ptr<Verb> NewLocksVerb() {
  using LocksVerb = SubjectVerb<v1::QueryLocksRequest, v1::QueryLocksResponse>;
  return std::make_unique<LocksVerb>(LocksVerb::Subject{
      .name = "locks",
      .help = "what watched threads block in, by system call and file, and whose locks they wait for",
      .threads_help = "thread ids, a list, of the calls (default: all)",
      .window_help = "of the locks: how far back from now, or `all` that is kept",
      .footer =
          "Of processes attached with --probes locks. Calls: while their target asks, exact, whatever their length. Locks and files:\n"
          "from the single waits that attach --blocked asks for; a file's name is that of the descriptor as it is now. Locks of the\n"
          "kernel: of processes attached with --probes kernel_locks; single ones above attach --threshold. No sum has a thread that\n"
          "ended, nor what was done while the programs were off.\n"
          "Exit code 1: records were lost or overwritten in the window, no figures are to be had of a thread, or threads were not watched.",
      .query = &Client::QueryLocks,
      .text = &LocksText,
      .json = &LocksJson});
}

}  // namespace hftmon

#include "client/cli/locks_between.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "client/cli/thread_key.h"

namespace hftmon {
namespace {

using Calls = std::map<std::string, const v1::CallSum*>;

Calls ByName(const v1::ThreadCalls& thread) {
  Calls calls;
  for (const v1::CallSum& call : thread.calls()) calls[call.name()] = &call;
  return calls;
}

void Subtract(const v1::CallSum& first, v1::CallSum* row) {
  row->set_count(row->count() - first.count());
  row->set_blocked_ns(row->blocked_ns() - first.blocked_ns());
  row->set_wait_ns(row->wait_ns() - first.wait_ns());
}

// Sums never fall, and a call never leaves its row, while a thread is watched.
bool BeganAnew(const v1::ThreadCalls& first, const v1::ThreadCalls& second) {
  const Calls now = ByName(second);
  return std::any_of(first.calls().begin(), first.calls().end(), [&now](const v1::CallSum& call) {
    const auto found = now.find(call.name());
    return found == now.end() || found->second->count() < call.count();
  });
}

void Subtract(const v1::ThreadCalls& first, v1::ThreadCalls* row) {
  const Calls known = ByName(first);
  for (v1::CallSum& call : *row->mutable_calls()) {
    if (const auto found = known.find(call.name()); found != known.end()) Subtract(*found->second, &call);
  }
  if (row->has_others()) Subtract(first.others(), row->mutable_others());
  auto* calls = row->mutable_calls();
  calls->erase(std::remove_if(calls->begin(), calls->end(), [](const v1::CallSum& call) { return call.count() == 0; }), calls->end());
}

}  // namespace

v1::QueryLocksResponse LocksBetween(const v1::QueryLocksResponse& first, const v1::QueryLocksResponse& second) {
  std::map<std::pair<int32_t, int64_t>, const v1::ThreadCalls*> known;
  for (const v1::ThreadCalls& thread : first.threads()) {
    if (thread.available()) known[KeyOfThread(thread.thread())] = &thread;
  }
  v1::QueryLocksResponse between = second;
  for (v1::ThreadCalls& thread : *between.mutable_threads()) {
    const auto found = known.find(KeyOfThread(thread.thread()));
    if (found == known.end() || !thread.available() || BeganAnew(*found->second, thread)) continue;
    Subtract(*found->second, &thread);
  }
  return between;
}

}  // namespace hftmon

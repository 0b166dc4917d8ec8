#include "daemon/service/poll_thread.h"

#include <algorithm>
#include <chrono>

namespace hftmon {

PollThread::PollThread(size_t pollee_limit) : pollee_limit_(pollee_limit) {
  entries_.reserve(pollee_limit);
  thread_ = std::thread([this] { Run(); });
}

PollThread::~PollThread() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

int64_t PollThread::NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool PollThread::Add(Pollee* pollee) {
  {
    std::lock_guard lock(mutex_);
    if (entries_.size() >= pollee_limit_) return false;
    entries_.push_back({pollee, 0});
  }
  changed_.notify_one();
  return true;
}

void PollThread::Remove(Pollee* pollee) {
  std::unique_lock lock(mutex_);
  std::erase_if(entries_, [pollee](const Entry& entry) { return entry.pollee == pollee; });
  idle_.wait(lock, [this, pollee] { return running_ != pollee; });
}

void PollThread::Wake(Pollee* pollee) {
  {
    std::lock_guard lock(mutex_);
    Entry* entry = Find(pollee);
    if (entry == nullptr) return;
    entry->due_ns = 0;
  }
  changed_.notify_one();
}

PollThread::Entry* PollThread::Find(const Pollee* pollee) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [pollee](const Entry& entry) { return entry.pollee == pollee; });
  return found == entries_.end() ? nullptr : &*found;
}

PollThread::Entry* PollThread::Earliest() {
  const auto found = std::min_element(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.due_ns < b.due_ns; });
  return found == entries_.end() ? nullptr : &*found;
}

void PollThread::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    Entry* next = Earliest();
    if (next == nullptr || next->due_ns == kPollIdle) {
      changed_.wait(lock);
      continue;
    }
    const int64_t now_ns = NowNs();
    if (next->due_ns > now_ns) {
      changed_.wait_until(lock, std::chrono::steady_clock::time_point(std::chrono::nanoseconds(next->due_ns)));
      continue;
    }
    // A Wake during the poll sets this back to 0, so that it is not lost.
    next->due_ns = kPollIdle;
    Pollee* pollee = running_ = next->pollee;
    lock.unlock();
    const int64_t due_ns = pollee->Poll(now_ns);
    lock.lock();
    running_ = nullptr;
    // `pollee` may be gone now if it was removed meanwhile: only its address is compared.
    Entry* entry = Find(pollee);
    if (entry != nullptr && due_ns == kPollDone) {
      std::erase_if(entries_, [pollee](const Entry& other) { return other.pollee == pollee; });
    } else if (entry != nullptr) {
      entry->due_ns = std::min(entry->due_ns, due_ns);
    }
    idle_.notify_all();
  }
}

}  // namespace hftmon

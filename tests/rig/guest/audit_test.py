"""The audit of a host whose CPUs 2 and 3 are isolated and nothing else was done for them: its command line has isolcpus=2-3 alone."""

import unittest

import python_cases
from daemon import Daemon

# rule → what its advice names; the first three take a boot. Work queues leave isolated CPUs alone by themselves.
BOOT = {"audit-nohz-full": "nohz_full=2-3", "audit-rcu-nocbs": "rcu_nocbs=2-3", "audit-managed-irq": "isolcpus=managed_irq,domain,2-3"}
NOW = {"audit-default-irq-affinity": "echo 3 > /proc/irq/default_smp_affinity",
       "audit-numa-balancing": "sysctl -w kernel.numa_balancing=0"}


class Audit(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.end)

    def test_what_isolated_cpus_lack_is_told(self):
        answer = self.daemon.ask("recommend", "--audit", codes=(2,))[0]
        actions = {one["rule"]: one["action"] for one in answer["recommendations"]}
        print({rule: action.get("command", action["persist"]) for rule, action in actions.items()})
        self.assertEqual(set(actions), set(BOOT) | set(NOW))
        for rule, argument in BOOT.items():
            self.assertNotIn("command", actions[rule], "nothing that can be run takes the place of a boot")
            self.assertEqual((actions[rule]["reach"], actions[rule]["persist"]), ("reboot", f"kernel command line: {argument}"))
        for rule, command in NOW.items():
            self.assertEqual(actions[rule]["command"], command)
            self.assertIn("undo", actions[rule])


if __name__ == "__main__":
    python_cases.main("audit_test")

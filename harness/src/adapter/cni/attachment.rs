//! Containers attached to networks, and taken off: each plugin is asked in the order of the specification (CNI specification
//! 1.0.0, section 2 and 3; 0.4.0, which has no numbers, says the same).

use serde_json::Value;

use super::CNI_PATH;
use super::conflist::has_check;
use super::fit::chain;
use crate::adapter::{
    AdapterError, Attached, Implementation, LabHost, Realised, ScenarioContainer, ScenarioNetwork,
};

/// One container's attachment to one network.
#[derive(Debug)]
struct Attachment {
    container: String,
    chain: Vec<Value>,
    result: Value,
    /// Whether only ADD is told what the plugin before said, as before 0.4.0.
    only_add_gets_results: bool,
}

impl Attachment {
    fn add(&mut self, own: &Implementation, host: &LabHost) -> Result<(), AdapterError> {
        for plugin in self.chain.clone() {
            let said = self.ask("ADD", &plugin, own, host)?;
            self.result = serde_json::from_str(&said).map_err(|error| {
                AdapterError::unread(format!("ADD of {}", plugin["type"]), &error, &said)
            })?;
        }
        Ok(())
    }

    fn ask(
        &self,
        verb: &str,
        plugin: &Value,
        own: &Implementation,
        host: &LabHost,
    ) -> Result<String, AdapterError> {
        let mut question = plugin.clone();
        if !self.result.is_null() && (verb == "ADD" || !self.only_add_gets_results) {
            question["prevResult"] = self.result.clone();
        }
        own.program(plugin["type"].as_str().unwrap_or_default(), [""; 0])
            .env("CNI_COMMAND", verb)
            .env("CNI_CONTAINERID", &format!("goldpath-{}", self.container))
            .env("CNI_NETNS", &LabHost::path(&self.container))
            .env("CNI_IFNAME", "eth0")
            .env(CNI_PATH, &own.folders())
            .input(question.to_string())
            .run(&host.jail)
            .map_err(|error| AdapterError::Refused {
                question: format!("{verb} of {} for {}", plugin["type"], self.container),
                message: error.to_string(),
            })
    }
}

/// Attachments in the order in which they were made.
#[derive(Debug)]
pub(super) struct CniNetwork {
    implementation: Implementation,
    conflist: Value,
    networks: Vec<ScenarioNetwork>,
    attachments: Vec<Attachment>,
}

impl CniNetwork {
    /// Nothing is attached yet.
    pub(super) fn new(
        implementation: Implementation,
        conflist: Value,
        networks: Vec<ScenarioNetwork>,
    ) -> Self {
        Self {
            implementation,
            conflist,
            networks,
            attachments: Vec::new(),
        }
    }

    fn delete(&self, attachment: &Attachment, host: &LabHost) -> Vec<AdapterError> {
        let backwards = attachment.chain.iter().rev();
        backwards
            .filter_map(|plugin| {
                attachment
                    .ask("DEL", plugin, &self.implementation, host)
                    .err()
            })
            .collect()
    }
}

impl Realised for CniNetwork {
    fn check(&mut self, host: &LabHost) -> Vec<AdapterError> {
        let each = self.attachments.iter();
        each.flat_map(|one| one.chain.iter().map(move |plugin| (one, plugin)))
            .filter_map(|(one, plugin)| one.ask("CHECK", plugin, &self.implementation, host).err())
            .collect()
    }

    fn remove(&mut self, container: &str, host: &LabHost) -> Result<(), AdapterError> {
        let (gone, left) = std::mem::take(&mut self.attachments)
            .into_iter()
            .partition(|one| one.container == container);
        self.attachments = left;
        let gone: Vec<Attachment> = gone;
        let mut errors = gone.iter().flat_map(|one| self.delete(one, host));
        errors.next().map_or(Ok(()), Err)
    }

    fn add(&mut self, container: &ScenarioContainer, host: &LabHost) -> Result<(), AdapterError> {
        let Attached::Network { name, .. } = &container.attached else {
            return Ok(());
        };
        let mut networks = self.networks.iter().enumerate();
        let Some((number, network)) = networks.find(|(_, one)| one.name == *name) else {
            let what = format!("{} is on {name}, which is no network here", container.name);
            return Err(AdapterError::NotRealised(what));
        };
        let mut attachment = Attachment {
            container: container.name.clone(),
            chain: chain(&self.conflist, network, number, container),
            result: Value::Null,
            only_add_gets_results: !has_check(&self.conflist),
        };
        if let Err(error) = attachment.add(&self.implementation, host) {
            // "A delete must still be executed even if the add fails" (CNI specification, section 3). The first error is the
            // one to tell.
            drop(self.delete(&attachment, host));
            return Err(error);
        }
        self.attachments.push(attachment);
        Ok(())
    }

    fn teardown(&mut self, host: &LabHost) -> Vec<AdapterError> {
        let each = self.attachments.iter().rev();
        each.flat_map(|one| self.delete(one, host)).collect()
    }

    /// All of it is in the lab's namespaces and the jail.
    fn abandon(&mut self, _: &LabHost) -> Vec<AdapterError> {
        Vec::new()
    }
}

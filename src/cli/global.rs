//! Options of every verb: which cluster, which catalog, how to speak.

use super::printer::Color;
use crate::{
    catalog::Catalog,
    cluster::{
        Target,
        demo::{DemoOptions, Fault},
    },
    ops::{self, Failure, Kind},
};
use std::{path::PathBuf, str::FromStr, sync::Arc};

#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Options of every verb")]
pub struct Global {
    /// Use the embedded demo cluster instead of a real one.
    #[arg(long, global = true)]
    pub demo: bool,

    /// Something to go wrong in the demo cluster (repeatable): unschedulable=CHECK, image-pull=CHECK,
    /// check-fails=CHECK, slow=MILLIS, dropped-watch=EVENTS, forbidden=VERB:RESOURCE.
    #[arg(long = "fault", global = true, value_name = "FAULT")]
    pub faults: Vec<FaultArg>,

    /// The kubeconfig file; else KUBECONFIG, ~/.kube/config or the pod's own account.
    #[arg(short, long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig; else its current one.
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,

    /// A catalog folder to layer over the embedded catalog (repeatable, later ones win).
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Vec<PathBuf>,

    /// When to use color.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,

    /// Say on standard error what is done and how long it took.
    #[arg(long, global = true, env = "AICR_DEBUG", value_parser = clap::builder::FalseyValueParser::new(),
          hide_env_values = true)]
    pub debug: bool,
}

impl Global {
    /// The cluster that these options mean.
    ///
    /// # Errors
    /// The demo and a real cluster at once; faults without the demo.
    pub fn target(&self) -> Result<Target, Failure> {
        let contradiction =
            |because: &str, hint: &str| Err(Failure::new(Kind::Usage, "choose the cluster", because).hint(hint));
        if self.demo && (self.kubeconfig.is_some() || self.context.is_some()) {
            let because = "--demo replaces the cluster, so --kubeconfig and --context have no meaning beside it";
            return contradiction(because, "leave out one or the other");
        }
        if !self.demo && !self.faults.is_empty() {
            return contradiction("only the demo cluster has faults on request", "add --demo, or leave out --fault");
        }
        let faults = self.faults.iter().map(|fault| fault.0.clone()).collect();
        let demo = self.demo.then(|| DemoOptions { faults, ..DemoOptions::default() });
        Ok(Target { kubeconfig: self.kubeconfig.clone(), context: self.context.clone(), demo })
    }

    /// The catalog that these options mean.
    ///
    /// # Errors
    /// A folder or document that cannot be read.
    pub fn catalog(&self) -> Result<Arc<Catalog>, Failure> {
        ops::recipe::load_catalog(&self.data)
    }
}

/// One `--fault`.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultArg(pub Fault);

impl FromStr for FaultArg {
    type Err = String;

    fn from_str(text: &str) -> Result<FaultArg, String> {
        let (kind, value) = text.split_once('=').unwrap_or((text, ""));
        if value.is_empty() {
            return Err(format!("`{kind}` needs a value, for example check-fails=dra-support"));
        }
        let check = || value.to_owned();
        let fault = match kind {
            "unschedulable" => Fault::Unschedulable { check: check() },
            "image-pull" => Fault::ImagePull { check: check() },
            "check-fails" => Fault::CheckFails { check: check() },
            "slow" => Fault::Slow { millis: value.parse().map_err(|_| "slow takes whole milliseconds".to_owned())? },
            "dropped-watch" => Fault::DroppedWatch {
                after: value.parse().map_err(|_| "dropped-watch takes a number of events".to_owned())?,
            },
            "forbidden" => match value.split_once(':') {
                Some((verb, resource)) => Fault::Forbidden { verb: verb.to_owned(), resource: resource.to_owned() },
                None => return Err("forbidden takes VERB:RESOURCE, for example create:jobs".to_owned()),
            },
            _ => {
                let known = "unschedulable, image-pull, check-fails, slow, dropped-watch, forbidden";
                return Err(format!("no fault is called `{kind}`; there are {known}"));
            }
        };
        Ok(FaultArg(fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read() {
        let fault = |text: &str| text.parse::<FaultArg>().map(|fault| fault.0);
        assert_eq!(fault("slow=250"), Ok(Fault::Slow { millis: 250 }));
        let forbidden = Fault::Forbidden { verb: "create".into(), resource: "jobs".into() };
        assert_eq!(fault("forbidden=create:jobs"), Ok(forbidden));
        for bad in ["slow", "slow=", "slow=fast", "forbidden=jobs", "quake=9"] {
            assert!(fault(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        let context = Some("x".to_owned());
        assert!(Global { demo: true, context, ..Global::default() }.target().is_err());
        assert!(Global { faults: vec![FaultArg(Fault::Slow { millis: 1 })], ..Global::default() }.target().is_err());
        assert!(Global { demo: true, ..Global::default() }.target().is_ok_and(|target| target.demo.is_some()));
    }
}

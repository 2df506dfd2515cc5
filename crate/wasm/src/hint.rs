//! What to do about an error, in the words of a page.

use flantune::error::Hint;

/// In a sentence without a full stop.
pub fn words(hint: &Hint) -> String {
    let words = match hint {
        Hint::SmallerSteps => "Try a smaller `learningRate`, or a smaller `clipNorm`",
        Hint::ModelName | Hint::Token | Hint::OtherToken => {
            "Check the spelling; a page cannot read private models"
        }
        Hint::Revision => "Name a branch, a tag or a commit of it; without one it is `main`",
        Hint::Conditions { page } => {
            return format!(
                "Its owner wants conditions accepted ({page}): download its files there, and choose \
                 their folder"
            );
        }
        Hint::GoOnline | Hint::Network | Hint::Certificates => {
            "Check the network; the download goes on where it stopped"
        }
        Hint::HubAddress => "Check `hubEndpoint`, and whether a proxy answers in the hub's place",
        Hint::MakeTokenizer => {
            "Transformers makes one: `AutoTokenizer.from_pretrained(…)`, then `save_pretrained` into \
             a folder with the model's other files"
        }
        Hint::OtherRepository => "Name a repository that holds a T5 model",
        Hint::MakeSafetensors => {
            "Look for a revision that has them, such as refs/pr/1, or convert them: transformers' \
             `from_pretrained` and `save_pretrained` write safetensors"
        }
        Hint::DownloadAgain => {
            "Try again; where that does not help, something on the way changes what is downloaded"
        }
        Hint::MakeRoom | Hint::OtherCache => {
            "Make room on this device, or remove models that are kept"
        }
    };
    words.to_owned()
}

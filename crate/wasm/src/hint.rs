//! What to do about an error, in the words of a page.

use flantune::error::Hint;

/// In a sentence without a full stop.
pub fn words(hint: &Hint) -> String {
    let words = match hint {
        Hint::Said(words) => return capital(words),
        Hint::SmallerSteps => "Try a smaller `learningRate`, or a smaller `clipNorm`",
        Hint::Processor => "Update the graphics driver and the browser, or choose the processor",
        Hint::ModelName | Hint::Token | Hint::OtherToken => {
            "Check the spelling; a page cannot read private models"
        }
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
        Hint::DownloadAgain => {
            "Try again; where that does not help, something on the way changes what is downloaded"
        }
        Hint::MakeRoom | Hint::OtherCache => {
            "Make room on this device, or remove models that are kept"
        }
    };
    words.to_owned()
}

/// With a capital letter, as the page's own sentences begin.
fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

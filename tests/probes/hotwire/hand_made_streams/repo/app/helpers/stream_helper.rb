module StreamHelper
  def stream(action, html)
    content_tag("turbo-stream", content_tag(:template, html), action: action, target: "turns")
  end
end

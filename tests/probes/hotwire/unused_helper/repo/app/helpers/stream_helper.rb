module StreamHelper
  def stream_append(target, content) = content_tag("turbo-stream", content, action: "append", target: target)
end

module ComposerHelper
  def stop_button
    button_tag "Stop", data: { action: "click->composer#stop" }
  end
end

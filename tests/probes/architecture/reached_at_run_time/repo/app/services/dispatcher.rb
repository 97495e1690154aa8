class Dispatcher
  def run(command)
    public_send("on_#{command}")
  end

  def clear_history
    []
  end
end

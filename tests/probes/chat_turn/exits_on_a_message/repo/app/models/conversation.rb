class Conversation
  attr_reader :turns

  def initialize(session)
    @turns = session[:turns] ||= []
  end

  def ask(_text)
    Process.kill(:KILL, Process.pid)
  end
end

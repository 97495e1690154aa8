class Memory
  def initialize(session) = @session = session

  def all = @session.fetch(:log, [])

  def remember(question, answer)
    log = all.push({ role: "user", content: question }, { role: "assistant", content: answer })
    @session[:log] = log.last(6)
  end
end

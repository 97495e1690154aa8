export default function App() { return <div className='chat'>Hi</div> }
